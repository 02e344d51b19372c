/**
 * An object that is found by its name. Events of one type have their names in the same order, so each object remembers the one
 * that followed it. The next name then mostly needs one comparison instead of a look-up in a map.
 */
export interface Named<Self> {
  readonly name: string
  following: Self | undefined
}

export class Names<A extends Named<A>> {
  private readonly find: (name: string) => A | undefined
  private last: A | undefined = undefined

  constructor(find: (name: string) => A | undefined) {
    this.find = find
  }

  get(name: string): A | undefined {
    const { last } = this
    const expected = last?.following
    if (expected !== undefined && expected.name === name) {
      this.last = expected
      return expected
    }
    const found = this.find(name)
    if (found === undefined) return undefined
    if (last !== undefined) last.following = found
    this.last = found
    return found
  }
}
