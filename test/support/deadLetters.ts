/** Dead letters of the durable storages. */
import { assert } from "@effect/vitest"
import type { Duration } from "effect"
import { Effect, Option } from "effect"
import type { StorageError } from "effect-amplitude"
import type { EventStorage } from "effect-amplitude/EventStorage"
import { eventOf } from "../storage/contract.js"

interface DeadLetters<Id, E, R> {
  readonly list: () => Effect.Effect<ReadonlyArray<{ readonly id: Id }>, E, R>
  readonly sendAgain: (ids: ReadonlyArray<Id>) => Effect.Effect<unknown, E, R>
}

/** Stores an event that the service rejects. */
const rejectOne = (storage: EventStorage.Service) =>
  Effect.gen(function*() {
    yield* storage.append([eventOf(1)], { capacity: 1, whenFull: "refuse" })
    const lease = Option.getOrThrow(yield* storage.lease({ maxEvents: 1, maxBytes: 1_000_000 }))
    yield* lease.acknowledge(lease.events, { dropped: { reason: "Rejected", code: 400, message: "Invalid event" } })
  })

/** Stores an event that the service rejects, and sends its dead letter again. */
export const sendOneAgain = <Id, E, R>(storage: EventStorage.Service, { list, sendAgain }: DeadLetters<Id, E, R>) =>
  Effect.gen(function*() {
    yield* rejectOne(storage)
    const [letter] = yield* list()
    yield* sendAgain([letter!.id])
  })

interface Checked<R> {
  readonly list: (
    options?: { readonly after?: number; readonly limit?: number }
  ) => Effect.Effect<ReadonlyArray<unknown>, StorageError, R>
  readonly sendAgain: (ids: ReadonlyArray<number>) => Effect.Effect<number, StorageError, R>
  readonly purge: (
    options: { readonly ids: ReadonlyArray<number> } | { readonly olderThan: Duration.DurationInput }
  ) => Effect.Effect<number, StorageError, R>
}

/** Calls with wrong arguments fail with the name of the argument, and the dead letter stays. */
export const refuseArguments = <R>(storage: EventStorage.Service, { list, purge, sendAgain }: Checked<R>) =>
  Effect.gen(function*() {
    yield* rejectOne(storage)
    const untyped = (input: unknown) => input as never
    const calls: ReadonlyArray<readonly [name: string, call: () => Effect.Effect<unknown, StorageError, R>]> = [
      ["after", () => list({ after: 1.5 })],
      ["after", () => list({ after: untyped("x") })],
      ["limit", () => list({ limit: -1 })],
      ["limit", () => list({ limit: NaN })],
      ["ids", () => sendAgain([NaN])],
      ["ids", () => sendAgain(untyped(1))],
      ["ids", () => purge({ ids: untyped(["x"]) })],
      ["purge", () => purge(untyped(undefined))],
      ["olderThan", () => purge(untyped({}))],
      ["olderThan", () => purge({ olderThan: untyped("30 dayz") })],
      ["olderThan", () => purge({ olderThan: "-30 days" })],
      ["olderThan", () => purge({ olderThan: -1 })],
      ["olderThan", () => purge({ olderThan: NaN })]
    ]
    for (const [name, call] of calls) {
      const error = yield* Effect.flip(Effect.suspend(call))
      assert.match(error.message, new RegExp(`^deadLetters: ${name}: expected `))
    }
    assert.lengthOf(yield* list(), 1)
  })
