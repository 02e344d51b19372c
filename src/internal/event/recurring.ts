/**
 * Values by name, for names that come again and again, mostly in the same order: the one that came after the last one
 * before is looked at first, which costs a fraction of looking it up.
 */
interface Entry<A> {
  readonly name: string
  readonly value: A
  next: Entry<A> | undefined
}

export interface Recurring<A> {
  readonly get: (name: string) => A | undefined
  readonly add: (name: string, value: A) => void
  readonly size: () => number
}

export const make = <A>(entries: Iterable<readonly [name: string, value: A]> = []): Recurring<A> => {
  const known = new Map<string, Entry<A>>()
  let last: Entry<A> | undefined

  const add = (name: string, value: A): void => {
    known.set(name, { name, value, next: undefined })
  }

  for (const [name, value] of entries) add(name, value)

  const search = (name: string): A | undefined => {
    const found = known.get(name)
    if (last !== undefined) last.next = found
    last = found
    return found?.value
  }

  return {
    get: (name) => {
      const next = last?.next
      if (next === undefined || next.name !== name) return search(name)
      last = next
      return next.value
    },
    add,
    size: () => known.size
  }
}
