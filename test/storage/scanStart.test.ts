/** Where a lease begins in a table whose deleted rows are kept: never behind an event that is there or can still appear. */
import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import type { ScanStart, TableState } from "../../src/internal/storage/sql/scanStart.js"
import { make } from "../../src/internal/storage/sql/scanStart.js"

const slow = 50

const quick = 5

/** What a lease finds if it asks. */
interface Found extends TableState {
  readonly last: number | undefined
}

/** A lease of all events that are there, from the start on. */
const leaseWith = (start: ScanStart, now: number, took: number, { last, ...state }: Found): number => {
  const question = start.ask(now)
  start.answered(question, { last, state: question.asksState ? state : undefined }, took)
  return start.from(now)
}

const found = (first: number, last: number, writers: ReadonlyArray<string> = []): Found => ({ first, last, writers })
const nothing = (writers: ReadonlyArray<string> = []): Found => ({ first: undefined, last: undefined, writers })

describe("where a lease begins", () => {
  it("is the first row for ten quick leases, and passes then what is gone", () => {
    const start = make()
    const starts = Array.from({ length: 22 }, (_, now) => leaseWith(start, now, quick, found(now + 1, now + 1)))
    assert.deepStrictEqual(starts, [...Array(10).fill(0), ...Array(10).fill(10), 20, 20])
  })

  it("passes what is gone after a slow lease, when nobody writes", () => {
    const start = make()
    assert.strictEqual(leaseWith(start, 0, slow, found(1, 100)), 0)
    assert.strictEqual(leaseWith(start, 1, quick, found(90, 200)), 90)
    // and stays there while leases are quick
    assert.strictEqual(leaseWith(start, 2, quick, found(150, 300)), 90)
  })

  it("passes no more than was known before the writers were asked for", () => {
    const start = make()
    leaseWith(start, 0, slow, found(1, 100))
    // 103 can have been taken by a transaction that began meanwhile, and so can 101 and 102
    assert.strictEqual(leaseWith(start, 1, quick, found(103, 200)), 100)
    const other = make()
    leaseWith(other, 0, slow, found(1, 100))
    assert.strictEqual(leaseWith(other, 1, quick, nothing()), 100)
  })

  it("waits for the transactions that wrote then, and not for later ones", () => {
    const start = make()
    leaseWith(start, 0, slow, found(1, 100))
    assert.strictEqual(leaseWith(start, 1, slow, found(101, 110, ["a", "b"])), 0)
    assert.strictEqual(leaseWith(start, 2, quick, found(111, 120, ["b", "c"])), 0)
    assert.strictEqual(leaseWith(start, 3, quick, found(121, 130, ["c"])), 100)
    // 99 appeared when "b" committed, before the start passed it
    const late = make()
    leaseWith(late, 0, slow, found(1, 100))
    leaseWith(late, 1, slow, found(101, 110, ["b"]))
    assert.strictEqual(leaseWith(late, 2, quick, found(99, 120, ["c"])), 99)
  })

  it("is the first row again after a while, and after a failure", () => {
    const start = make()
    leaseWith(start, 0, slow, found(1, 100))
    assert.strictEqual(leaseWith(start, 1, quick, found(100, 200)), 100)
    assert.strictEqual(leaseWith(start, 4999, quick, found(150, 200)), 100)
    // the table was made anew
    assert.strictEqual(leaseWith(start, 5000, quick, found(1, 2)), 0)
    leaseWith(start, 5001, slow, found(1, 100))
    assert.strictEqual(leaseWith(start, 5002, quick, found(100, 200)), 100)
    const underWay = start.ask(5003)
    start.reset()
    assert.strictEqual(start.from(5003), 0)
    start.answered(underWay, { last: 300, state: { first: 180, writers: [] } }, slow)
    assert.strictEqual(leaseWith(start, 5004, quick, found(1, 2)), 0)
  })

  it("is the first row for a poll too after a while, since an idle client leases nothing", () => {
    const start = make()
    leaseWith(start, 0, slow, found(1, 100))
    leaseWith(start, 1, quick, found(100, 200))
    assert.strictEqual(start.from(4999), 100)
    assert.strictEqual(start.from(5000), 0)
  })

  it("never passes an event that is there or can appear, whatever transactions do", () => {
    interface Transaction {
      readonly id: string
      readonly seqs: ReadonlyArray<number>
    }
    const step = FastCheck.constantFrom("begin", "write", "commit", "rollback", "ask", "read", "answer", "delete")
    FastCheck.assert(
      FastCheck.property(
        FastCheck.array(FastCheck.tuple(step, FastCheck.nat(9)), { maxLength: 150, size: "max" }),
        (steps) => {
          const start = make()
          let nextSeq = 1
          let nextId = 1
          let open: ReadonlyArray<Transaction> = []
          let visible: ReadonlyArray<number> = []
          let leases: ReadonlyArray<{
            readonly question: ReturnType<ScanStart["ask"]>
            readonly writers: ReadonlyArray<string>
            readonly first: { readonly seq: number | undefined } | undefined
          }> = []
          const without = <A>(list: ReadonlyArray<A>, place: number) => list.filter((_, other) => other !== place)
          for (const [now, [action, choice]] of steps.entries()) {
            const place = choice % Math.max(1, open.length)
            const chosen = open[place]
            if (action === "begin") open = [...open, { id: String(nextId++), seqs: [] }]
            if (action === "write" && chosen !== undefined) {
              open = open.map((one) => one === chosen ? { ...one, seqs: [...one.seqs, nextSeq++] } : one)
            }
            if (action === "commit" && chosen !== undefined) {
              visible = [...visible, ...chosen.seqs].sort((a, b) => a - b)
            }
            if ((action === "commit" || action === "rollback") && chosen !== undefined) open = without(open, place)
            if (action === "delete") visible = without(visible, choice % Math.max(1, visible.length))
            // the writers, the first event and the leased events are read one after the other, and others act in between
            if (action === "ask") {
              leases = [...leases, { question: start.ask(now), writers: open.map(({ id }) => id), first: undefined }]
            }
            const lease = leases[choice % Math.max(1, leases.length)]
            const rows = visible.filter((seq) => lease !== undefined && seq >= lease.question.from)
            if (action === "read" && lease !== undefined) {
              leases = leases.map((one) => one === lease ? { ...one, first: { seq: rows[0] } } : one)
            }
            if (action === "answer" && lease?.first !== undefined) {
              leases = leases.filter((other) => other !== lease)
              const { first, question, writers } = lease
              const state = question.asksState ? { writers, first: first.seq } : undefined
              start.answered(question, { last: rows.at(-1), state }, slow)
            }
            for (const seq of [...visible, ...open.flatMap(({ seqs }) => seqs)]) assert.isAtLeast(seq, start.from(now))
          }
        }
      ),
      { numRuns: 2000, seed: 18 }
    )
  })
})
