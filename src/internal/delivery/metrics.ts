/**
 * The metrics of the clients of a process. No tag holds an id or a property.
 *
 * They are updated without an effect, since `track` runs for every event.
 */
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"
import * as MetricLabel from "effect/MetricLabel"
import type { Reason } from "../../DeliveryReport.js"

// the metrics have no descriptions: a description is part of the key, and a lookup by name alone would fail

const counter = (name: string): Metric.Metric.Counter<number> => Metric.counter(name, { incremental: true })

/** Events that were accepted. */
const eventsTracked = counter("amplitude_events_tracked")
/** Events that the service accepted. */
const eventsDelivered = counter("amplitude_events_delivered")
/** Events that were dropped, by `reason`. */
const eventsDropped = counter("amplitude_events_dropped")
/** Retries that were counted for events. */
const eventsRetried = counter("amplitude_events_retried")
/** Reports that were dropped before `callback` or a subscriber of `deliveries` took them. */
const reportsDropped = counter("amplitude_reports_dropped")
/** Requests, by the `status` of the answer, or 0 without an answer. */
const requests = counter("amplitude_requests")
/** Bytes of the uncompressed bodies of requests. */
const requestBytes = counter("amplitude_request_bytes")
/** Accepted events without an outcome. */
const queueDepth = Metric.gauge("amplitude_queue_depth")
/** Milliseconds from a request to its whole answer. */
const requestDuration = Metric.histogram(
  "amplitude_request_duration_ms",
  MetricBoundaries.exponential({ start: 1, factor: 2, count: 15 })
)
/** Events of a request. */
const batchSize = Metric.histogram(
  "amplitude_batch_size",
  MetricBoundaries.exponential({ start: 1, factor: 2, count: 12 })
)

const untagged: ReadonlyArray<MetricLabel.MetricLabel> = []

export const tracked = (depth: number): void => {
  eventsTracked.unsafeUpdate(1, untagged)
  queueDepth.unsafeUpdate(depth, untagged)
}

export const delivered = (events: number, depth: number): void => {
  eventsDelivered.unsafeUpdate(events, untagged)
  queueDepth.unsafeUpdate(depth, untagged)
}

export const dropped = (reason: Reason, events: number, depth: number): void => {
  eventsDropped.unsafeUpdate(events, [MetricLabel.make("reason", reason)])
  queueDepth.unsafeUpdate(depth, untagged)
}

export const retried = (events: number): void => eventsRetried.unsafeUpdate(events, untagged)

export const droppedReports = (reports: number): void => reportsDropped.unsafeUpdate(reports, untagged)

export const requested = (request: {
  readonly status: number
  readonly bytes: number
  readonly events: number
  readonly millis: number
}): void => {
  requests.unsafeUpdate(1, [MetricLabel.make("status", String(request.status))])
  requestBytes.unsafeUpdate(request.bytes, untagged)
  requestDuration.unsafeUpdate(request.millis, untagged)
  batchSize.unsafeUpdate(request.events, untagged)
}
