/**
 * Sends or stores the waiting events when their page is hidden or left.
 *
 * A hidden page still runs, so that the client flushes normally. A page that is left runs only until its `pagehide`
 * event ends. There the waiting events go to the browser at once, as many as it takes, and the others are stored for
 * the next page of the same origin.
 */
import * as Effect from "effect/Effect"
import * as Hash from "effect/Hash"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Amplitude } from "../../Amplitude.js"
import type { AmplitudeConfig } from "../../AmplitudeConfig.js"
import type { PluginError } from "../../AmplitudeError.js"
import type { Event } from "../../Event.js"
import * as Plugin from "../../Plugin.js"
import type { Transport } from "../../Transport.js"
import { apiKeyOf } from "../apiKey.js"
import * as Request from "../delivery/request.js"
import { byteLength, decode, encode } from "../event/utf8.js"
import type { Keepalive } from "./keepalive.js"

/** Every accepted event has an `insert_id`. */
type InsertId = string | undefined

/** Handles the events of a client until the scope closes. Without a page it does nothing. */
export const make = (
  client: Amplitude.Client,
  keepalive: Keepalive
): Effect.Effect<void, PluginError, Scope.Scope> => "document" in globalThis ? watch(client, keepalive) : Effect.void

const watch = (client: Amplitude.Client, keepalive: Keepalive): Effect.Effect<void, PluginError, Scope.Scope> =>
  Effect.gen(function*() {
    const runtime = yield* Effect.runtime()
    const runFork = Runtime.runFork(runtime)
    const runSync = Runtime.runSync(runtime)
    // read for each use, since the API key can change
    const leftovers = (): Leftovers => leftoversOf(runSync(client.config))
    const waiting = new Map<InsertId, Event>()
    let isLeft = false

    yield* Effect.forkScoped(Stream.runForEach(client.deliveries, ({ event }) =>
      Effect.sync(() => {
        waiting.delete(event.insert_id)
      })))
    yield* client.add(Plugin.destination({
      name: "effect-amplitude/AmplitudeBrowser",
      execute: (event) =>
        Effect.sync(() => {
          waiting.set(event.insert_id, event)
        })
    }))

    // `pagehide` comes before the last `visibilitychange` of a page that is left, so that nothing is sent twice
    const onVisibilityChange = (): void => {
      if (document.visibilityState === "hidden" && !isLeft) runFork(client.flush)
    }

    const onPageHide = (): void => {
      isLeft = true
      const settings = runSync(client.config)
      const onTheirWay = new Set([...keepalive.underWay()].flatMap(insertIdsOf))
      let rest: ReadonlyArray<Event> = [...waiting.values()].filter(({ insert_id }) => !onTheirWay.has(insert_id))
      while (navigator.onLine && rest.length > 0) {
        const { body, count } = takeBody(settings, rest, keepalive.unusedBytes())
        if (count === 0) break
        runFork(keepalive.transport.send({ url: Request.url(settings), headers: Request.headers, body: encode(body) }))
        rest = rest.slice(count)
      }
      if (rest.length > 0 && !leftovers().add(rest)) {
        runFork(Effect.logError(`${rest.length} events are lost: the page was left, and the browser stores no more`))
      }
    }

    // a page that comes back from the browser's cache still has its events in memory
    const onPageShow = (): void => {
      isLeft = false
      leftovers().remove(waiting)
    }

    yield* Effect.acquireRelease(
      Effect.sync(() => {
        document.addEventListener("visibilitychange", onVisibilityChange)
        addEventListener("pagehide", onPageHide)
        addEventListener("pageshow", onPageShow)
      }),
      () =>
        Effect.sync(() => {
          document.removeEventListener("visibilitychange", onVisibilityChange)
          removeEventListener("pagehide", onPageHide)
          removeEventListener("pageshow", onPageShow)
        })
    )

    for (const event of leftovers().take()) yield* client.track(event)
  })

/** A body with the first events, as many as fit into `maxBytes`. */
const takeBody = (
  settings: AmplitudeConfig.Settings,
  events: ReadonlyArray<Event>,
  maxBytes: number
): { readonly body: string; readonly count: number } => {
  const { minIdLength } = settings
  const head = `{"api_key":${JSON.stringify(apiKeyOf(settings))},"events":[`
  const tail = minIdLength === undefined ? "]}" : `],"options":{"min_id_length":${minIdLength}}}`
  const texts: Array<string> = []
  let bytes = byteLength(head) + byteLength(tail)
  for (const event of events) {
    const text = JSON.stringify(event)
    bytes += byteLength(text) + 1
    if (bytes > maxBytes) break
    texts.push(text)
  }
  return { body: head + texts.join(",") + tail, count: texts.length }
}

const parse = Option.liftThrowable(JSON.parse)

/** The ids of the events of a request. They are unknown if it is compressed: Amplitude then drops the duplicates. */
const insertIdsOf = ({ body, headers }: Transport.Request): ReadonlyArray<InsertId> =>
  headers["content-encoding"] === undefined
    ? JSON.parse(decode(body)).events.map((event: Event) => event.insert_id)
    : []

/** Events in `localStorage` that wait for the next page of this origin with the same project. */
interface Leftovers {
  /** Stores events. The result says whether it succeeded. */
  readonly add: (events: ReadonlyArray<Event>) => boolean
  readonly remove: (events: ReadonlyMap<InsertId, Event>) => void
  readonly take: () => ReadonlyArray<Event>
}

const leftoversOf = (settings: AmplitudeConfig.Settings): Leftovers => {
  const key = `effect-amplitude/${Hash.string(apiKeyOf(settings))}`
  // a browser can refuse all access to its storage
  const read = Option.liftThrowable((): string | null => localStorage.getItem(key))
  const write = Option.liftThrowable((events: ReadonlyArray<Event>): void =>
    events.length === 0 ? localStorage.removeItem(key) : localStorage.setItem(key, JSON.stringify(events))
  )
  const stored = (): ReadonlyArray<Event> =>
    read().pipe(
      Option.flatMapNullable((text) => text),
      Option.flatMap((text) => parse(text)),
      Option.filter(Array.isArray),
      Option.getOrElse(() => [])
    )
  return {
    add: (events) => Option.isSome(write([...stored(), ...events])),
    remove: (events) => {
      const before = stored()
      const after = before.filter(({ insert_id }) => !events.has(insert_id))
      if (after.length < before.length) write(after)
    },
    take: () => {
      const events = stored()
      if (events.length > 0) write([])
      return events
    }
  }
}
