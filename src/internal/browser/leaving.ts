/**
 * Sends or stores the waiting events when their page is hidden or left.
 *
 * A hidden page still runs, so that the client flushes normally. A page that is left runs only until its `pagehide`
 * and its last `visibilitychange` events have ended. There the waiting events go to the browser at once, as many as it
 * takes, and the others are stored for the next page of the same origin.
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as LogLevel from "effect/LogLevel"
import * as Runtime from "effect/Runtime"
import type * as Scope from "effect/Scope"
import type { Amplitude } from "../../Amplitude.js"
import type { AmplitudeConfig } from "../../AmplitudeConfig.js"
import type { EventStorage } from "../../EventStorage.js"
import type { Transport } from "../../Transport.js"
import type { Limits } from "../delivery/batchLimits.js"
import * as Request from "../delivery/request.js"
import { decode, textOf } from "../event/utf8.js"
import * as Log from "../log.js"
import * as Memory from "../storage/memory.js"
import type { Keepalive } from "./keepalive.js"
import * as Leftovers from "./leftovers.js"
import * as PageStorage from "./pageStorage.js"

type EncodedEvent = EventStorage.EncodedEvent

export interface Leaving {
  /** The storage for the client. It holds the events that earlier pages have left. */
  readonly storage: EventStorage.Service
  /** Flushes a client when the page is hidden, until the scope closes. */
  readonly flushWhenHidden: (client: Amplitude.Client) => Effect.Effect<void, never, Scope.Scope>
}

/**
 * Handles the events of a page until the scope closes. Then it stores the events that are left: a client that uses the
 * storage is closed before.
 */
export const make = (
  config: AmplitudeConfig.Service,
  keepalive: Keepalive
): Effect.Effect<Leaving, never, Scope.Scope> =>
  Effect.gen(function*() {
    const runFork = Runtime.runFork(yield* Effect.runtime())
    const leftovers = Leftovers.make(config.unsafeSettings, yield* Effect.clock)
    let isLeft = false

    const store = (events: ReadonlyArray<EncodedEvent>, why: string): void => {
      const lost = leftovers.store(events)
      if (lost === 0) return
      const message = `${Log.counted(lost, "event is", "events are")} lost: ${why}, and the browser stores no more`
      runFork(Log.effect.log(LogLevel.Error, message, { package: "effect-amplitude", module: "browser" }))
    }

    const storeWhenLeft = (events: ReadonlyArray<EncodedEvent>): void => store(events, "the page was left")

    /** Sends events with a request that outlives the page. `onFailure` runs if the page learns that the request failed. */
    const handOver = (events: ReadonlyArray<EncodedEvent>, onFailure: () => void): void => {
      const settings = config.unsafeSettings()
      const body = Request.body(settings, events)
      const answered = Effect.exit(
        keepalive.handOver({ url: Request.url(settings), headers: Request.headers, body })
      )
      runFork(Effect.map(answered, (exit) => {
        if (!Exit.exists(exit, ({ status }) => status >= 200 && status < 300)) onFailure()
      }))
    }

    /** Hands over or stores events. `unsent` are those of them that are in no request that outlives the page. */
    const leave = (events: ReadonlyArray<EncodedEvent>, unsent: ReadonlyArray<EncodedEvent>): void => {
      // a request would probably fail, and a page that is left does not learn of it
      const isUnsafe = !navigator.onLine || storage.events().some(({ attempts }) => attempts > 0)
      if (isUnsafe) storeWhenLeft(events)
      let rest = unsent
      while (navigator.onLine && rest.length > 0) {
        const maxBodyBytes = keepalive.unusedBytes()
        const [fitting, others] = splitBySize(rest, Request.limits(config.unsafeSettings(), { maxBodyBytes }))
        if (fitting.length === 0) break
        handOver(fitting, () => {
          if (isLeft && !isUnsafe) storeWhenLeft(fitting)
        })
        rest = others
      }
      if (!isUnsafe) storeWhenLeft(rest)
    }

    const storage = PageStorage.make(yield* Memory.make, (events) => {
      if (isLeft) leave(events, events)
    })

    const onPageHide = (): void => {
      isLeft = true
      const events = storage.events()
      leave(events, withoutUnderWay(events, keepalive))
    }

    // a page that comes back from the browser's cache still has its events in memory
    const onPageShow = (): void => {
      isLeft = false
      leftovers.clear()
    }

    yield* listen(globalThis, "pagehide", onPageHide)
    yield* listen(globalThis, "pageshow", onPageShow)
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        if (!isLeft) store(storage.events(), "the client was closed")
      })
    )
    const earlier = leftovers.take()
    if (Arr.isNonEmptyReadonlyArray(earlier)) {
      yield* Effect.orDie(storage.append(earlier, { capacity: Infinity, whenFull: "refuse" }))
    }
    return {
      storage,
      flushWhenHidden: (client: Amplitude.Client) =>
        // `pagehide` comes before the last `visibilitychange` of a page that is left, so that nothing is sent twice
        listen(document, "visibilitychange", () => {
          if (document.visibilityState !== "hidden" || isLeft) return
          runFork(client.flush)
          // other listeners of the page may track events now
          runFork(Effect.zipRight(Effect.sleep(0), client.flush))
        })
    }
  }).pipe(Effect.uninterruptible)

type Target = Pick<EventTarget, "addEventListener" | "removeEventListener">

const listen = (target: Target, type: string, listener: () => void): Effect.Effect<void, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => target.addEventListener(type, listener)),
    () => Effect.sync(() => target.removeEventListener(type, listener))
  )

/** The first events, as many as fit, and the others. */
const splitBySize = (
  events: ReadonlyArray<EncodedEvent>,
  { maxBytes, maxEvents }: Limits
): readonly [fitting: ReadonlyArray<EncodedEvent>, others: ReadonlyArray<EncodedEvent>] => {
  let bytes = 0
  const index = events.findIndex((event, index) => {
    bytes += event.end - event.start + 1
    return index >= maxEvents || bytes > maxBytes
  })
  return index < 0 ? [events, []] : [events.slice(0, index), events.slice(index)]
}

const withoutUnderWay = (
  events: ReadonlyArray<EncodedEvent>,
  keepalive: Keepalive
): ReadonlyArray<EncodedEvent> => {
  const underWay = new Set([...keepalive.underWay()].flatMap(insertIdsOf))
  return underWay.size === 0 ? events : events.filter((event) => !underWay.has(JSON.parse(textOf(event)).insert_id))
}

/** The ids of the events of a request. They are unknown if it is compressed: Amplitude then drops the duplicates. */
const insertIdsOf = ({ body, headers }: Transport.Request): ReadonlyArray<string> =>
  headers["content-encoding"] === undefined
    ? JSON.parse(decode(body)).events.map(({ insert_id }: { readonly insert_id: string }) => insert_id)
    : []
