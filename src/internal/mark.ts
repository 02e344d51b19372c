/**
 * What this package knows of a function of its own beyond the type of it. It is known of that very function: one that is
 * put around it, or in its place, as a spy or a proxy, is anybody's, and called as such.
 */

export interface Mark<A> {
  readonly put: <F extends object>(marked: F, value: A) => F
  readonly of: (candidate: object | undefined) => A | undefined
}

export const make = <A>(): Mark<A> => {
  const values = new WeakMap<object, A>()
  return {
    put: (marked, value) => {
      values.set(marked, value)
      return marked
    },
    of: (candidate) => candidate === undefined ? undefined : values.get(candidate)
  }
}
