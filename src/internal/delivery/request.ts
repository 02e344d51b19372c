/**
 * Builds requests: their URL, their limits, and their body from encoded events.
 */
import type { AmplitudeConfig } from "../../AmplitudeConfig.js"
import type { EventStorage } from "../../EventStorage.js"
import { apiKeyOf } from "../apiKey.js"
import * as Utf8 from "../event/utf8.js"
import type { Limits } from "./batchLimits.js"

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

/** The headers of a body that is not compressed. */
export const headers: Readonly<Record<string, string>> = { "content-type": "application/json" }

const head = (settings: AmplitudeConfig.Settings): string =>
  `{"api_key":${JSON.stringify(apiKeyOf(settings))},"events":[`

const tail = ({ minIdLength }: AmplitudeConfig.Settings): string =>
  minIdLength === undefined ? "]}" : `],"options":{"min_id_length":${minIdLength}}}`

/**
 * The most events of a request, and the most bytes of their JSON with one comma each. A transport can have a smaller
 * limit than the service.
 */
export const limits = (
  settings: AmplitudeConfig.Settings,
  { maxBodyBytes = Infinity }: { readonly maxBodyBytes?: number | undefined } = {}
): Limits => ({
  maxEvents: Math.min(settings.flushQueueSize, maxEvents),
  // the last event has no comma
  maxBytes: Math.min(maxBytes(settings), maxBodyBytes) - Utf8.byteLength(head(settings)) -
    Utf8.byteLength(tail(settings)) + 1
})

const comma = 0x2c

/** The body with the events. Events that are adjacent in one buffer are copied in one piece. */
export const body = (
  settings: AmplitudeConfig.Settings,
  events: ReadonlyArray<EventStorage.EncodedEvent>
): Uint8Array => {
  const before = Utf8.encode(head(settings))
  const after = Utf8.encode(tail(settings))
  // the last event has no comma
  let length = before.length + after.length - 1
  for (const { end, start } of events) length += end - start + 1
  const bytes = new Uint8Array(length)
  bytes.set(before)
  let at = before.length
  for (let index = 0; index < events.length;) {
    const { buffer, start } = events[index]!
    let { end } = events[index++]!
    for (; index < events.length; index++) {
      const next = events[index]!
      if (next.buffer !== buffer || next.start !== end + 1 || buffer[end] !== comma) break
      end = next.end
    }
    bytes.set(buffer.subarray(start, end), at)
    at += end - start
    if (index < events.length) bytes[at++] = comma
  }
  bytes.set(after, at)
  return bytes
}
