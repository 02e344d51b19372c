import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream, TestClock } from "effect"
import { StorageError } from "effect-amplitude"
import type { Answer } from "../../src/internal/storage/watch.js"
import * as Watch from "../../src/internal/storage/watch.js"

/** Watches a server with given answers, and counts the polls and what was emitted. */
const watching = (answer: () => Effect.Effect<Answer, StorageError>, pollInterval = 1000) =>
  Effect.gen(function*() {
    const count = { polls: 0, emitted: 0 }
    const ask = Effect.suspend(() => {
      count.polls++
      return answer()
    })
    const watch = Watch.make(ask, pollInterval)
    yield* Effect.forkScoped(Stream.runForEach(watch.changes, () => Effect.sync(() => count.emitted++)))
    return { count, watch }
  })

describe("the watch of a server", () => {
  it.scoped("emits after a change, and polls less and less while there is none", () =>
    Effect.gen(function*() {
      let answer: Answer = { state: "1", isDue: false, age: 0 }
      const { count } = yield* watching(() => Effect.succeed(answer))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(count.emitted, 1)
      assert.isBelow(count.polls, 20)
      answer = { state: "2", isDue: false, age: 5 }
      yield* TestClock.adjust("6 seconds")
      assert.strictEqual(count.emitted, 2)
    }))

  it.scoped("emits while a lease is over", () =>
    Effect.gen(function*() {
      const { count } = yield* watching(() => Effect.succeed({ state: "1", isDue: true, age: 5 }))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(count.emitted, count.polls)
      assert.isAbove(count.emitted, 45)
    }))

  // a client leases events, acknowledges them and is killed between two polls: the state is as it was
  it.scoped("emits every few seconds while events wait and nothing changes", () =>
    Effect.gen(function*() {
      const { count } = yield* watching(() => Effect.succeed({ state: "1", isDue: false, age: 5 }))
      yield* TestClock.adjust("20 seconds")
      assert.isAtLeast(count.emitted, 2)
      yield* TestClock.adjust("1 minute")
      assert.isAtLeast(count.emitted, 11)
      assert.isAtMost(count.emitted, 20)
    }))

  // a lease is cut by its bytes, is acknowledged between two polls, and leaves later events behind
  it.scoped("emits when the oldest event has left and others wait, although nothing else has changed", () =>
    Effect.gen(function*() {
      let age = 5000
      const { count } = yield* watching(() => Effect.sync(() => ({ state: "1", isDue: false, age: age += 10 })))
      yield* TestClock.adjust("1200 millis")
      assert.strictEqual(count.emitted, 1)
      age = 3000
      yield* TestClock.adjust("1800 millis")
      assert.strictEqual(count.emitted, 2)
    }))

  it.scoped("says nothing while the server is away, and emits when it is back", () =>
    Effect.gen(function*() {
      let isAway = false
      const { count } = yield* watching(() =>
        isAway
          ? Effect.fail(new StorageError({ operation: "changes", message: "the server is away" }))
          : Effect.succeed({ state: "1", isDue: false, age: 0 })
      )
      yield* TestClock.adjust("10 seconds")
      isAway = true
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(count.emitted, 1)
      isAway = false
      yield* TestClock.adjust("6 seconds")
      assert.strictEqual(count.emitted, 2)
    }))

  it.scoped("polls soon when a change is expected", () =>
    Effect.gen(function*() {
      const { count, watch } = yield* watching(() => Effect.succeed({ state: "1", isDue: false, age: 0 }))
      yield* TestClock.adjust("1 minute")
      const { polls } = count
      watch.expect()
      yield* TestClock.adjust("1200 millis")
      assert.strictEqual(count.polls, polls + 1)
    }))
})
