/**
 * What the clients of a process count, as Effect metrics. No label ever holds an id or a property.
 *
 * Updated in place, without an effect for each: `track` pays a few nanoseconds, the rest is once a request.
 */
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"
import * as MetricLabel from "effect/MetricLabel"
import type { Reason } from "../DeliveryReport.js"

const counter = (name: string, description: string) => Metric.counter(name, { description, incremental: true })

const eventsTracked = counter("amplitude_events_tracked", "Events that were accepted")
const eventsDelivered = counter("amplitude_events_delivered", "Events that the service took")
const eventsDropped = counter("amplitude_events_dropped", "Events that were given up, by reason")
const eventsRetried = counter("amplitude_events_retried", "Retries that were counted for events")
const requests = counter("amplitude_requests", "Requests, by the status of their answer; 0 where there was none")
const requestBytes = counter("amplitude_request_bytes", "Bytes of the uncompressed bodies of requests")
const queueDepth = Metric.gauge("amplitude_queue_depth", {
  description: "Accepted events without an outcome"
})
const requestDuration = Metric.histogram(
  "amplitude_request_duration_ms",
  MetricBoundaries.exponential({ start: 1, factor: 2, count: 15 }),
  "Milliseconds from a request to its whole answer"
)
const batchSize = Metric.histogram(
  "amplitude_batch_size",
  MetricBoundaries.exponential({ start: 1, factor: 2, count: 12 }),
  "Events of a request"
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
