/**
 * Requests as the service takes them: where they go, how large they may be, and their body around events that are
 * already encoded, compressed where that is wanted. The API key is unwrapped here and nowhere else on the way out.
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { AmplitudeConfig } from "../../AmplitudeConfig.js"
import type { EventStorage } from "../../EventStorage.js"
import type { Transport } from "../../Transport.js"
import { byteLength } from "../event/utf8.js"
import { joined } from "../storage/storedEvent.js"
import type * as Cut from "./batchLimits.js"

/** Fewer than 2000 events in a request (Amplitude HTTP V2 API, limits); Batch takes 2000. */
const maxEvents = 1999

/** The most bytes of a body (Amplitude HTTP V2 API and Batch API, limits). */
export const maxBytes = (settings: AmplitudeConfig.Settings): number => settings.useBatch ? 20_000_000 : 1_000_000

/** Amplitude HTTP V2 API and Batch API, endpoints. */
const endpoints = {
  US: { httpV2: "https://api2.amplitude.com/2/httpapi", batch: "https://api2.amplitude.com/batch" },
  EU: { httpV2: "https://api.eu.amplitude.com/2/httpapi", batch: "https://api.eu.amplitude.com/batch" }
}

export const url = ({ serverUrl, serverZone, useBatch }: AmplitudeConfig.Settings): string =>
  serverUrl ?? endpoints[serverZone][useBatch ? "batch" : "httpV2"]

const head = (settings: AmplitudeConfig.Settings): string =>
  `{"api_key":${JSON.stringify(Redacted.value(settings.apiKey))},"events":[`

const tail = ({ minIdLength }: AmplitudeConfig.Settings): string =>
  minIdLength === undefined ? "]}" : `],"options":{"min_id_length":${minIdLength}}}`

/** The body around events: in bytes where they lie as bytes, else as text. */
export const body = (
  settings: AmplitudeConfig.Settings,
  events: ReadonlyArray<EventStorage.EncodedEvent>
): string | Uint8Array => joined(head(settings), events, tail(settings)) ?? textOf(settings, events)

const textOf = (settings: AmplitudeConfig.Settings, events: ReadonlyArray<EventStorage.EncodedEvent>): string => {
  // in one piece: put around what was joined, head and tail would have it copied once more
  const texts = events.map((event) => event.json)
  texts[0] = head(settings) + texts[0]!
  texts[texts.length - 1] += tail(settings)
  return texts.join(",")
}

/**
 * The most events of a request, and the most bytes of their JSON, a comma counted with each. A transport can take less
 * than the service does.
 */
export const limits = (settings: AmplitudeConfig.Settings, { maxBodyBytes = Infinity }: {
  readonly maxBodyBytes?: number | undefined
} = {}): Cut.Limits => ({
  count: Math.min(settings.flushQueueSize, maxEvents),
  // the last event has no comma
  bytes: Math.min(maxBytes(settings), maxBodyBytes) - byteLength(head(settings)) - byteLength(tail(settings)) + 1
})

/** Bodies of at most so many bytes are sent as they are: they would gain nothing. */
const minCompressed = 2048

/** Whether the platform can compress. */
export const canCompress = (): boolean => "CompressionStream" in globalThis

/** Made by the platform's own `CompressionStream`. */
const gzip = (body: string | Uint8Array): Effect.Effect<Uint8Array, unknown> =>
  Effect.map(
    Effect.tryPromise(() =>
      new Response(new Blob([body as BlobPart]).stream().pipeThrough(new CompressionStream("gzip"))).arrayBuffer()
    ),
    (buffer) => new Uint8Array(buffer)
  )

/** The body of a request and how it is encoded. One that cannot be compressed is sent as it is. */
export const compress = (
  body: string | Uint8Array
): Effect.Effect<Pick<Transport.Request, "body" | "contentEncoding">> =>
  byteLength(body) <= minCompressed
    ? Effect.succeed({ body })
    : Effect.match(gzip(body), {
      onSuccess: (compressed) => ({ body: compressed, contentEncoding: "gzip" as const }),
      onFailure: () => ({ body })
    })
