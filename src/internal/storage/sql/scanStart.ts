/**
 * Remembers the `seq` at which a lease begins to scan the table. Postgres keeps deleted rows for as long as an old snapshot can
 * see them, and a lease that begins with the first row would read each of them again.
 *
 * A row gets its `seq` before its transaction commits, so that a lower `seq` can appear after a higher one. The start passes a
 * `seq` only when every transaction that could still commit a lower one has ended.
 */

/** What a lease needs to know, and the state in which it asked. */
export interface Question {
  /** No event has a lower `seq`. */
  readonly from: number
  /** Whether the lease also reads the state of the outbox. */
  readonly asksState: boolean
  readonly era: number
  readonly known: number
  readonly awaited: Awaited | undefined
}

/** The findings of a lease. */
export interface Answer {
  /** The highest `seq` of the leased events, or undefined without an event. */
  readonly last: number | undefined
  /** Undefined if the lease did not ask. */
  readonly state: TableState | undefined
}

/** The state of the outbox, read before the events of the lease. */
export interface TableState {
  /** The transactions that write to the outbox. They are read first. */
  readonly writers: ReadonlyArray<string>
  /** The lowest `seq` of all events from the start on, or undefined without an event. */
  readonly first: number | undefined
}

/** A `seq`, and the transactions after whose end no lower one can appear. */
interface Awaited {
  readonly seq: number
  readonly writers: ReadonlyArray<string>
}

/** All times are monotonic, in milliseconds. */
export interface ScanStart {
  /** For a poll. A client that leases nothing must see the rows of a table that begins again as well. */
  readonly from: (now: number) => number
  readonly ask: (now: number) => Question
  readonly answered: (question: Question, answer: Answer, took: number) => void
  /** Forgets everything, so that the next lease begins with the first row. */
  readonly reset: () => void
}

/** The duration of a lease after which the next one looks for a later start, in milliseconds. */
const slow = 20

/** The number of leases after which the next one looks for a later start: it reads the rows that they have deleted. */
const many = 10

/**
 * The time between two leases that begin with the first row, in milliseconds. A truncated table can begin again with lower
 * numbers.
 */
const maxAge = 5000

export const make = (): ScanStart => {
  let era = 0
  let lastReset = -Infinity
  let isSlow = false
  /** The number of leases since the last one that asked, which counts too. */
  let leases = 0
  let from = 0
  /** The highest `seq` of all leases. A transaction that begins to write later gets higher ones. */
  let known = 0
  let awaited: Awaited | undefined = undefined

  const reset = (): void => {
    era++
    from = 0
    known = 0
    awaited = undefined
  }

  /** `question` holds the state before the writers were read. */
  const move = (question: Question, { first, writers }: TableState): void => {
    const isOver = question.awaited !== undefined &&
      !question.awaited.writers.some((writer) => writers.includes(writer))
    const passed = writers.length === 0 ? question.known : isOver ? question.awaited.seq : 0
    from = Math.max(from, Math.min(passed, first ?? passed))
    if (writers.length === 0) awaited = undefined
    else if (awaited === undefined || isOver) awaited = { seq: question.known, writers }
  }

  return {
    from: (now) => now - lastReset >= maxAge ? 0 : from,
    ask: (now) => {
      if (now - lastReset >= maxAge) {
        lastReset = now
        reset()
      }
      return { from, asksState: isSlow || leases >= many, era, known, awaited }
    },
    answered: (question, answer, took) => {
      if (question.era !== era) return
      if (answer.state !== undefined) move(question, answer.state)
      leases = answer.state === undefined ? leases + 1 : 1
      if (answer.last !== undefined) known = Math.max(known, answer.last)
      isSlow = took >= slow || awaited !== undefined
    },
    reset
  }
}
