/**
 * Where a lease begins to look for events. Postgres keeps deleted rows for as long as an old snapshot can see them, and a lease
 * that begins with the first row reads each of them again.
 *
 * A row has its `seq` before its transaction commits, so that it can appear before rows that are there already. The start
 * only passes a `seq` when every transaction that could still commit a lower one has ended.
 */

/** What a lease asks for. */
export interface Question {
  /** No event has a lower `seq`. */
  readonly from: number
  /** Whether the transactions that write to the outbox are asked for, before the events are read. */
  readonly asksWriters: boolean
  readonly era: number
  readonly known: number
  readonly awaited: Awaited | undefined
}

/** What a lease found. */
export interface Answer {
  /** The lowest `seq` from the start on, of whatever event; undefined where there is none. */
  readonly first: number | undefined
  /** The highest `seq` of the events that were leased; undefined where there are none. */
  readonly last: number | undefined
  readonly writers: ReadonlyArray<string>
}

/** When these transactions have ended, no lower `seq` can appear. */
interface Awaited {
  readonly seq: number
  readonly writers: ReadonlyArray<string>
}

/** All times are monotonic, in milliseconds. */
export interface ScanStart {
  readonly from: () => number
  readonly ask: (now: number) => Question
  readonly answered: (question: Question, answer: Answer, took: number) => void
  /** Nothing is known of the table any more. */
  readonly reset: () => void
}

/** A lease that takes as long looks for a later start, in milliseconds. */
const slow = 20

/** The table can be made anew, with lower numbers: from time to time a lease begins with the first row. In milliseconds. */
const maxAge = 30_000

export const make = (): ScanStart => {
  let era = 0
  let lastReset = -Infinity
  let isSlow = false
  let from = 0
  /** The highest `seq` that was seen. A transaction that begins to write later has higher ones. */
  let known = 0
  let awaited: Awaited | undefined = undefined

  const reset = (): void => {
    era++
    from = 0
    known = 0
    awaited = undefined
  }

  /** `question` has what was known before the writers were asked for. */
  const move = (question: Question, { first, writers }: Answer): void => {
    const isOver = question.awaited !== undefined &&
      !question.awaited.writers.some((writer) => writers.includes(writer))
    const passed = writers.length === 0 ? question.known : isOver ? question.awaited.seq : 0
    from = Math.max(from, Math.min(passed, first ?? passed))
    if (writers.length === 0) awaited = undefined
    else if (awaited === undefined || isOver) awaited = { seq: question.known, writers }
  }

  return {
    from: () => from,
    ask: (now) => {
      if (now - lastReset >= maxAge) {
        lastReset = now
        reset()
      }
      return { from, asksWriters: isSlow, era, known, awaited }
    },
    answered: (question, answer, took) => {
      if (question.era !== era) return
      if (question.asksWriters) move(question, answer)
      if (answer.last !== undefined) known = Math.max(known, answer.last)
      isSlow = took >= slow || awaited !== undefined
    },
    reset
  }
}
