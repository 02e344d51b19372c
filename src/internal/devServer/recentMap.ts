/** A map of bounded size that forgets the entries that were written longest ago. */
export class RecentMap<A> {
  readonly #limit: number
  #recent = new Map<string, A>()
  #older = new Map<string, A>()

  /** The map holds at least the last `limit` entries, and at most twice as many. */
  constructor(limit: number) {
    this.#limit = limit
  }

  get(key: string): A | undefined {
    return this.#recent.get(key) ?? this.#older.get(key)
  }

  set(key: string, value: A): void {
    if (this.#recent.size >= this.#limit) {
      this.#older = this.#recent
      this.#recent = new Map()
    }
    this.#recent.set(key, value)
  }

  /** All values. */
  *values(): Generator<A> {
    yield* this.#recent.values()
    for (const [key, value] of this.#older) {
      if (!this.#recent.has(key)) {
        yield value
      }
    }
  }
}
