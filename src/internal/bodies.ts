/**
 * Memory for the bodies of requests that follow each other, used again. It lies outside of the heap, where a few hundred
 * new ones bring on a major garbage collection.
 *
 * A service that has answered a request may still be reading it: it has read it for certain when it has answered the next
 * one on the same connection. So two of them take turns, as long as every request is answered.
 */

export interface Bodies {
  /** Memory for the next body. */
  readonly take: (length: number) => Uint8Array
  /** The request with it was answered. */
  readonly answered: () => void
  /** It was not, or others are sent meanwhile: none of the memory is used again. */
  readonly forget: () => void
}

/** Larger ones are not kept, in bytes. */
const maxSize = 262_144

export const make = (): Bodies => {
  let underWay: Uint8Array | undefined
  let last: Uint8Array | undefined
  let free: Uint8Array | undefined

  const forget = (): void => {
    underWay = last = free = undefined
  }

  return {
    take: (length) => {
      if (underWay !== undefined || length > maxSize) {
        forget()
        return new Uint8Array(length)
      }
      underWay = free !== undefined && free.length >= length ? free : new Uint8Array(sizeFor(length))
      free = undefined
      return underWay.subarray(0, length)
    },
    answered: () => {
      if (underWay === undefined) return
      free = last
      last = underWay
      underWay = undefined
    },
    forget
  }
}

/** The next power of two, so that there is room for others too. */
const sizeFor = (length: number): number => 2 ** Math.ceil(Math.log2(Math.max(1, length)))
