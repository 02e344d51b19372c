/**
 * Callbacks in the order in which they were added, each of which can be taken back.
 *
 * It is no Set: what is added and deleted again and again makes a Set grow out of one table after the other, and each of
 * those keeps the next one alive, and what stood in it, until a major garbage collection.
 */

const nothing = (): void => {}

/** A callback and its place. What was taken out refers to nothing. */
class Entry {
  callback: () => void
  before: Entry | undefined
  after: Entry | undefined = undefined
  isListed = true

  constructor(callback: () => void, before: Entry | undefined) {
    this.callback = callback
    this.before = before
  }
}

export class Callbacks {
  private first: Entry | undefined = undefined
  private last: Entry | undefined = undefined

  get isEmpty(): boolean {
    return this.first === undefined
  }

  /** Gives what takes it out again, if it is still there. */
  add(callback: () => void): () => void {
    const entry = new Entry(callback, this.last)
    if (this.last === undefined) this.first = entry
    else this.last.after = entry
    this.last = entry
    return () => this.remove(entry)
  }

  private remove(entry: Entry): void {
    const { after, before, isListed } = entry
    if (!isListed) return
    if (before === undefined) this.first = after
    else before.after = after
    if (after === undefined) this.last = before
    else after.before = before
    entry.isListed = false
    entry.callback = nothing
    entry.before = entry.after = undefined
  }

  /** Takes out the first one and calls it. */
  callFirst(): void {
    if (this.first === undefined) return
    const { callback } = this.first
    this.remove(this.first)
    callback()
  }
}
