/** The handlers of the routes of `Api`. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpIncomingMessage from "@effect/platform/HttpIncomingMessage"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import { RequestError } from "@effect/platform/HttpServerError"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { randomUUID } from "node:crypto"
import { Api, BadRequest, type EventFilter, NotFound } from "./api.js"
import { type Arrived, changes, expect, interval } from "./changes.js"
import { maxBytes } from "./guard.js"
import { userOf } from "./matching.js"
import type * as Model from "./model.js"
import { observe } from "./observed.js"
import * as Output from "./output.js"
import type { Store } from "./store.js"

/** The routes as one app. */
export type Routes = HttpApp.Default<never, Scope.Scope>

/** The dependencies of the routes. */
export interface Options {
  readonly store: Store
  readonly url: string
  readonly maxSubscribers: number
  readonly onClear: () => void
}

type Received = typeof Model.ReceivedEvent.Type

const isSelected = (filter: typeof EventFilter.Type): Predicate.Predicate<Received> => {
  const q = filter.q?.toLowerCase()
  return (received) =>
    (filter.type === undefined || received.event.event_type === filter.type) &&
    (filter.user === undefined || userOf(received.event) === filter.user ||
      received.event.device_id === filter.user) &&
    (filter.verdict === undefined || received.verdict === filter.verdict) &&
    (filter.library === undefined || received.library === filter.library) &&
    (filter.since === undefined || received.receivedAt >= filter.since) &&
    (filter.cursor === undefined || Number(received.id) < Number(filter.cursor)) &&
    (q === undefined || `${JSON.stringify(received.event)} ${Output.why(received)}`.toLowerCase().includes(q))
}

const maxPage = 1000

const pageOf = (store: Store, filter: typeof EventFilter.Type): typeof Model.EventPage.Type => {
  const limit = Math.min(Math.max(1, Math.floor(filter.limit ?? 100)), maxPage)
  const isOfPage = isSelected(filter)
  const events: Array<Received> = []
  for (const received of store.newestFirst(filter.project)) {
    if (isOfPage(received)) {
      const last = events.at(-1)
      if (last !== undefined && events.length === limit) {
        return { events, cursor: last.id, dropped: store.dropped.events }
      }
      events.push(received)
    }
  }
  return { events, dropped: store.dropped.events }
}

const orNotFound = <A>(what: string, found: Option.Option<A>): Effect.Effect<A, NotFound> =>
  Effect.mapError(found, () => new NotFound({ message: `There is no such ${what}` }))

const respondBadRequest = (message: string) =>
  Effect.orDie(HttpServerResponse.json({ message, _tag: "BadRequest" }, { status: 400 }))

const contentTypes = { ndjson: "application/x-ndjson", csv: "text/csv; charset=utf-8", fixture: "text/plain" } as const

/** The time that a subscriber waits before it connects again, in milliseconds. */
const retryMillis = 1000

const ticksBetweenComments = 15_000 / interval

/** Makes the routes. They live as long as the scope. */
export const make = ({ maxSubscribers, onClear, store, url }: Options): Effect.Effect<Routes, never, Scope.Scope> => {
  const instance = randomUUID()
  let subscribers = 0

  const message = (type: string, data: unknown, last: number): string =>
    `event: ${type}\nid: ${instance}:${last}\ndata: ${JSON.stringify(data)}\n\n`

  const messages = ({ cleared, events, faultsChanged, last, requests }: Arrived): string =>
    (cleared ? message("cleared", {}, last) : "") +
    (requests.length === 0 ? "" : message("request", requests, last)) +
    (events.length === 0 ? "" : message("event", events, last)) +
    (faultsChanged ? message("fault", {}, last) : "")

  const subscribe = (apiKey: string | undefined, lastEventId: string | undefined) => {
    if (subscribers >= maxSubscribers) {
      return HttpServerResponse.text("There are too many subscribers", { status: 503 })
    }
    const [from, number] = (lastEventId ?? "").split(":")
    const start = lastEventId === undefined ? store.last : from === instance ? Number(number) || 0 : 0
    // the id of the first message lets a subscriber resume that loses the connection before the first event
    const greeting = lastEventId === undefined || from === instance ?
      `retry: ${retryMillis}\nid: ${instance}:${start}\n\n` :
      `retry: ${retryMillis}\n${message("cleared", {}, 0)}`
    const body = Stream.make(greeting).pipe(
      Stream.concat(
        changes(store, apiKey, Effect.succeed(start)).pipe(
          Stream.map(messages),
          Stream.mapAccum(
            0,
            (silent, text) =>
              text !== "" ? [0, text] : silent + 1 >= ticksBetweenComments ? [0, ": \n\n"] : [silent + 1, ""]
          ),
          Stream.filter((text) => text !== "")
        )
      ),
      Stream.encodeText
    )
    const counted = Stream.acquireRelease(
      Effect.sync(() => subscribers++),
      () => Effect.sync(() => subscribers--)
    ).pipe(Stream.flatMap(() => body))
    return HttpServerResponse.stream(counted, { contentType: "text/event-stream" })
  }

  const faults = (apiKey: string | undefined) => Effect.map(Clock.currentTimeMillis, (now) => store.faults(apiKey, now))

  const description = OpenApi.fromApi(Api)

  const group = HttpApiBuilder.group(Api, "devServer", (handlers) =>
    handlers
      .handle("events", ({ urlParams }) => Effect.sync(() => pageOf(store, urlParams)))
      .handle("event", ({ path, urlParams }) =>
        Effect.suspend(() => orNotFound("event", store.event(path.id, urlParams.project))))
      .handle("users", ({ urlParams }) =>
        Effect.sync(() => store.users(urlParams.project)))
      .handle("user", ({ path, urlParams }) =>
        Effect.suspend(() =>
          orNotFound("user", store.user(path.id, urlParams.project))
        ))
      .handle("groups", ({ urlParams }) => Effect.sync(() => store.groups(urlParams.project)))
      .handle("group", ({ path, urlParams }) =>
        Effect.suspend(() =>
          orNotFound("group", store.group(path.type, path.name, urlParams.project))
        ))
      .handle("requests", ({ urlParams }) =>
        Effect.sync(() =>
          store.requestList(urlParams.project, urlParams.limit ?? 1000)
        ))
      .handle("request", ({ path, urlParams }) =>
        Effect.suspend(() =>
          orNotFound("request", store.request(path.id, urlParams.project, url))
        ))
      .handle("stats", ({ urlParams }) =>
        Effect.map(Clock.currentTimeMillis, (now) =>
          store.stats(urlParams.project, now)))
      .handle("plan", ({ urlParams }) =>
        Effect.sync(() =>
          observe(store.received(urlParams.project))
        ))
      .handleRaw("stream", ({ request, urlParams }) =>
        Effect.sync(() =>
          subscribe(urlParams.project, request.headers["last-event-id"])
        ))
      .handle("faults", ({ urlParams }) => faults(urlParams.project))
      .handle("inject", ({ payload, urlParams }) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) => {
          store.arm(payload, urlParams.project, now)
          return faults(urlParams.project)
        }))
      .handle("disarm", ({ urlParams }) =>
        Effect.suspend(() => {
          store.disarm(urlParams.project)
          return faults(urlParams.project)
        }))
      .handle("expect", ({ payload, urlParams }) =>
        Effect.map(expect(store, payload, urlParams.project), (matches) => ({ matches })))
      .handle("clear", ({ request, urlParams }) =>
        Effect.flatMap(Effect.orDie(request.text), (body) => {
          if (!/^\s*(\{\s*\})?\s*$/.test(body)) {
            return new BadRequest({ message: "Send no fields: the project is a parameter of the URL, ?project=" })
          }
          store.clear(urlParams.project)
          onClear()
          return Effect.succeed({ cleared: true })
        }))
      .handleRaw("export", ({ urlParams: { format = "ndjson", ...filter } }) =>
        Effect.sync(() =>
          HttpServerResponse.text(Output.write(store.received(filter.project).filter(isSelected(filter)), format), {
            contentType: contentTypes[format]
          })
        ))
      .handleRaw("kept", ({ urlParams }) =>
        Effect.suspend(() =>
          Effect.orDie(HttpServerResponse.json(store.kept(urlParams.project)))
        ))
      .handleRaw("openapi", () =>
        Effect.orDie(HttpServerResponse.json(description))))

  return Layer.build(Layer.mergeAll(
    HttpApiBuilder.api(Api).pipe(Layer.provide(group)),
    HttpApiBuilder.Router.Live,
    HttpApiBuilder.Middleware.layer,
    HttpServer.layerContext
  )).pipe(
    Effect.flatMap((context) =>
      Effect.map(Effect.provide(HttpApiBuilder.httpApp, context), (app) => Effect.provide(app, context))
    ),
    // ids of users and names of groups can be long
    HttpRouter.withRouterConfig({ maxParamLength: Number.POSITIVE_INFINITY }),
    Effect.map((app): Routes =>
      Effect.catchAll(app, () => HttpServerResponse.empty({ status: 404 })).pipe(
        Effect.catchSomeDefect((defect) =>
          defect instanceof RequestError && defect.reason === "Decode" ?
            Option.some(respondBadRequest("The body is not JSON")) :
            Option.none()
        ),
        HttpIncomingMessage.withMaxBodySize(Option.some(maxBytes))
      )
    )
  )
}
