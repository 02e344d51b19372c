/**
 * The storage of a page: the memory storage, with a list of its events. A page that is left has no time to lease them.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { EventStorage } from "../../EventStorage.js"
import { beginAtOnce, isExit } from "../beginAtOnce.js"
import { identityOf } from "../storage/identity.js"

type EncodedEvent = EventStorage.EncodedEvent

export interface PageStorage extends EventStorage.Service {
  /** The events without an outcome, in the order of their appends. */
  readonly events: () => ReadonlyArray<EncodedEvent>
}

/** Decorates a storage. `onAppend` runs when it has taken events. */
export const make = (
  storage: EventStorage.Service,
  onAppend: (events: ReadonlyArray<EncodedEvent>) => void
): PageStorage => {
  const stored = new Map<string, EncodedEvent>()

  const add = (events: ReadonlyArray<EncodedEvent>): void => {
    for (const event of events) stored.set(identityOf(event), event)
  }

  const remove = (events: ReadonlyArray<EncodedEvent>): void => {
    for (const event of events) stored.delete(identityOf(event))
  }

  const leased = (lease: EventStorage.Lease): EventStorage.Lease => ({
    events: lease.events,
    acknowledge: (events, options) => Effect.tap(lease.acknowledge(events, options), remove),
    release: (events, options) =>
      Effect.tap(lease.release(events, options), () =>
        // acknowledged events are not released
        add(events.filter((event) => stored.has(identityOf(event))).map((event) => released(event, options))))
  })

  return {
    ...storage,
    durability: "exclusive",
    events: () => Array.from(stored.values()),
    append: (events, options) => {
      const onResult = (result: EventStorage.AppendResult): void => {
        if (result._tag !== "Accepted") return
        add(events)
        remove(result.evicted)
        onAppend(events)
      }
      // `track` needs no operation of its fiber if the storage completes at once
      return Effect.suspend(() => {
        const appended = beginAtOnce(() => storage.append(events, options))
        if (!isExit(appended)) return Effect.tap(appended, onResult)
        if (Exit.isSuccess(appended)) onResult(appended.value)
        return appended
      })
    },
    lease: (options) => Effect.map(storage.lease(options), Option.map(leased)),
    evict: (options) => Effect.tap(storage.evict(options), remove),
    // `suspend` lets a client be built synchronously
    count: (of) => of === undefined ? Effect.suspend(() => Exit.succeed(stored.size)) : storage.count(of)
  }
}

/** A released event. The events of the memory storage refer to other events, so that they are not copied. */
const released = (
  { attempts, buffer, clientId, end, lane, retries, sequence, start }: EncodedEvent,
  more: EventStorage.ReleaseOptions
): EncodedEvent => ({
  clientId,
  sequence,
  lane,
  buffer,
  start,
  end,
  attempts: attempts + more.attempts,
  retries: retries + more.retries
})
