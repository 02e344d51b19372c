/** A client over a transport that answers by a script, with its requests and reports. */
import { Effect, Layer } from "effect"
import type { DeliveryReport } from "effect-amplitude"
import { Amplitude, AmplitudeConfig, AmplitudeLogger, EventStorage, Transport, TransportError } from "effect-amplitude"

/** One request as the service gets it. */
export interface SeenRequest {
  readonly url: string
  readonly body: string
  readonly events: ReadonlyArray<SeenEvent>
}

export interface SeenEvent {
  readonly event_type: string
  readonly user_id?: string
  readonly insert_id: string
  readonly [field: string]: unknown
}

/** What a request is answered with: a status alone, an answer, an error of the transport, or an effect of those. */
export type Scripted =
  | number
  | { readonly status: number; readonly body?: unknown; readonly headers?: Record<string, string> }
  | TransportError
  | Effect.Effect<number | { readonly status: number; readonly body?: unknown }, TransportError>

export type Script = (request: SeenRequest, index: number) => Scripted

export interface Scenario {
  readonly client: Amplitude.Client
  readonly requests: Array<SeenRequest>
  readonly reports: Array<DeliveryReport.DeliveryReport>
  /** What the client logs, as `WARN message`. */
  readonly lines: Array<string>
  /** The most requests that were under way at once. */
  readonly mostUnderWay: () => number
}

const toAnswer = (scripted: Scripted): Effect.Effect<Transport.Answer, TransportError> => {
  if (typeof scripted === "number") return toAnswer({ status: scripted })
  if (Effect.isEffect(scripted) && !("status" in scripted) && !(scripted instanceof TransportError)) {
    return Effect.flatMap(scripted, toAnswer)
  }
  if (scripted instanceof TransportError) return Effect.fail(scripted)
  const { body, headers, status } = scripted as { status: number; body?: unknown; headers?: Record<string, string> }
  return Effect.succeed({
    status,
    headers: headers ?? {},
    body: body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body)
  })
}

export const scenario = (script: Script, { plugins = [], ...options }: Partial<Amplitude.Options> = {}) =>
  Effect.gen(function*() {
    const requests: Array<SeenRequest> = []
    const reports: Array<DeliveryReport.DeliveryReport> = []
    const lines: Array<string> = []
    let underWay = 0
    let most = 0
    const transport = Layer.succeed(Transport, {
      send: ({ body, url }) =>
        Effect.suspend(() => {
          const text = new TextDecoder().decode(body)
          const request: SeenRequest = { url, body: text, events: (JSON.parse(text) as SeenRequest).events }
          requests.push(request)
          most = Math.max(most, ++underWay)
          return toAnswer(script(request, requests.length - 1))
        }).pipe(Effect.ensuring(Effect.sync(() => {
          underWay--
        })))
    })
    const context = yield* Layer.build(
      Amplitude.layerServices.pipe(
        Layer.provide([
          EventStorage.layerMemory,
          transport,
          Layer.succeed(AmplitudeLogger, {
            log: (level, message) => Effect.sync(() => lines.push(`${level.label} ${message}`))
          })
        ]),
        Layer.provide(AmplitudeConfig.layer({
          apiKey: "a-secret-key",
          callback: (report) => Effect.sync(() => reports.push(report)),
          ...options
        }))
      )
    )
    const client = yield* Effect.provide(Amplitude, context)
    yield* Effect.forEach(plugins, client.add, { discard: true })
    return { client, requests, reports, lines, mostUnderWay: () => most } satisfies Scenario
  })

/** Tracks events named `1`, `2` and so on, each of its own user unless told otherwise. */
export const trackMany = (
  client: Amplitude.Client,
  count: number,
  userOf: (index: number) => string = (index) => `user-${String(index).padStart(6, "0")}`
) =>
  Effect.forEach(
    Array.from({ length: count }, (_, index) => index + 1),
    (index) => client.track({ event_type: String(index), user_id: userOf(index) }),
    { discard: true }
  )

export const typesOf = (events: ReadonlyArray<{ readonly event_type: string }>): ReadonlyArray<string> =>
  events.map(({ event_type }) => event_type)
