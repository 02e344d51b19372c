/** Dead letters of the durable storages. */
import { Effect, Option } from "effect"
import type { EventStorage } from "effect-amplitude/EventStorage"
import { eventOf } from "../storage/contract.js"

interface DeadLetters<Id, E, R> {
  readonly list: () => Effect.Effect<ReadonlyArray<{ readonly id: Id }>, E, R>
  readonly sendAgain: (ids: ReadonlyArray<Id>) => Effect.Effect<unknown, E, R>
}

/** Stores an event that the service rejects, and sends its dead letter again. */
export const sendOneAgain = <Id, E, R>(storage: EventStorage.Service, { list, sendAgain }: DeadLetters<Id, E, R>) =>
  Effect.gen(function*() {
    yield* storage.append([eventOf(1)], { capacity: 1, whenFull: "refuse" })
    const lease = Option.getOrThrow(yield* storage.lease({ maxEvents: 1, maxBytes: 1_000_000 }))
    yield* lease.acknowledge(lease.events, { dropped: { reason: "Rejected", code: 400, message: "Invalid event" } })
    const [letter] = yield* list()
    yield* sendAgain([letter!.id])
  })
