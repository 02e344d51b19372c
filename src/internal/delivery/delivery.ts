/**
 * Sends the events of one leased batch until each of them has its outcome or is released. `outcome.ts` decides what an
 * answer means, and this module acts on it.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as LogLevel from "effect/LogLevel"
import type { AmplitudeConfig } from "../../AmplitudeConfig.js"
import { TransportError } from "../../AmplitudeError.js"
import type { EventStorage } from "../../EventStorage.js"
import { apiKeyOf } from "../apiKey.js"
import { decoded } from "../event/decoded.js"
import type { Log } from "../log.js"
import { causeText } from "../log.js"
import { wallTimeOf, withClock } from "../time.js"
import { sizeOf } from "./batchLimits.js"
import type { Limits } from "./batchLimits.js"
import type { Endpoint } from "./endpoint.js"
import * as Metrics from "./metrics.js"
import * as Outcome from "./outcome.js"
import type { Settlement } from "./reports.js"
import * as Request from "./request.js"
import type { Send } from "./send.js"
import type { Part as Settled, Settlements } from "./settlement.js"

type EncodedEvent = EventStorage.EncodedEvent

/** Events that are sent together. */
interface Part extends Settled {
  /** The bisection that the events are part of. */
  readonly bisection?: Bisection | undefined
}

/** A bisection: the search for the events that the service refuses. */
interface Bisection {
  /** Refusals since the last acceptance. */
  refusals: number
}

/**
 * The delivery of a lease. The first of the parts that are left is sent next. `end` drops the references to the events: streams
 * and effects that have run refer to the delivery, and keep it in memory until a major garbage collection.
 */
export class Delivery {
  private held: EventStorage.Lease | undefined
  parts: ReadonlyArray<Part>

  constructor(lease: EventStorage.Lease) {
    this.held = lease
    this.parts = [{ events: lease.events, sent: 0, retries: 0 }]
  }

  get lease(): EventStorage.Lease {
    return this.held!
  }

  end(): void {
    this.held = undefined
    this.parts = []
  }
}

/** The settings of a request, and the endpoint that it is sent to. */
interface Target {
  readonly settings: AmplitudeConfig.Settings
  readonly endpoint: Endpoint
}

/** A request with its answer. */
interface Asked extends Target {
  readonly code: number
  readonly answer: Outcome.Answer
  readonly outcome: Outcome.Outcome
}

/** The last answer of a part. */
interface Last {
  readonly code: number
  readonly message: string
}

/** The refusals in a row after which the rest of the batch is dropped: more than one event is at fault then. */
const maxRefusals = 20

export interface Dependencies {
  readonly settings: () => AmplitudeConfig.Settings
  /** The configured limits of a request. */
  readonly configured: () => Limits
  readonly endpoint: () => Endpoint
  readonly send: Send
  readonly settlements: Settlements
  readonly log: Log
}

/** Sends the events of a lease. An interruption aborts the running request, and releases the events that are left. */
export type Deliver = (delivery: Delivery) => Effect.Effect<void>

export const make = (deps: Dependencies): Deliver => {
  const { configured, endpoint, log, send, settings, settlements } = deps

  const deliver: Deliver = (delivery) =>
    Effect.map(
      Effect.onInterrupt(
        Effect.whileLoop({
          while: () => delivery.parts.length > 0,
          body: () => sendNext(delivery),
          step: () => {}
        }),
        () => giveBack(delivery)
      ),
      () => delivery.end()
    )

  /** Sends the next part. */
  const sendNext = (delivery: Delivery): Effect.Effect<void> =>
    Effect.suspend(() => {
      const [part, ...rest] = delivery.parts as [Part, ...ReadonlyArray<Part>]
      const target: Target = { settings: settings(), endpoint: endpoint() }
      // another batch has found out that the endpoint is unavailable
      if (part.sent > 0 && target.endpoint.backoff.isUnavailable()) return giveBack(delivery)
      const limits = Request.limits(target.settings)
      // settings can have changed since the events were leased
      if (part.events.length > limits.maxEvents) {
        delivery.parts = [...halve(part), ...rest]
        return Effect.void
      }
      const tooLarge = tooLargeToSend(part, limits)
      if (tooLarge !== undefined) return splitOrDrop(delivery, part, rest, { code: 0, message: tooLarge })
      const sent: Part = { ...part, sent: part.sent + 1 }
      delivery.parts = [sent, ...rest]
      return Effect.catchAllCause(
        Effect.flatMap(ask(sent, target), (asked) => carryOut(delivery, sent, rest, asked)),
        (cause) =>
          Cause.isInterruptedOnly(cause)
            ? Effect.failCause(cause)
            : onDefect(delivery, sent, target, cause)
      )
    })

  const ask = ({ events, sent }: Part, target: Target): Effect.Effect<Asked> =>
    Effect.suspend(() => {
      const apiKey = apiKeyOf(target.settings)
      return Effect.flatMap(
        send(target.settings, events, events[0]!.attempts + sent),
        (answer) =>
          withClock((clock) =>
            Effect.succeed({
              ...target,
              answer,
              code: "status" in answer ? answer.status : 0,
              outcome: Outcome.decide(answer, {
                apiKey,
                now: wallTimeOf(clock),
                useBatch: target.settings.useBatch,
                events
              })
            })
          )
      )
    })

  const carryOut = (
    delivery: Delivery,
    part: Part,
    rest: ReadonlyArray<Part>,
    asked: Asked
  ): Effect.Effect<void> => {
    const { code, outcome } = asked
    const { backoff, limits } = asked.endpoint
    if (outcome._tag !== "Retry") backoff.available()
    switch (outcome._tag) {
      case "Delivered":
        limits.grow(configured())
        if (part.bisection !== undefined) part.bisection.refusals = 0
        delivery.parts = rest
        return settlements.settle(delivery.lease, part, { _tag: "Delivered", code, message: outcome.message })
      case "Dropped":
        delivery.parts = rest
        return drop(delivery, part, { ...outcome, code })
      case "Named":
        return settleNamed(delivery, part, rest, code, outcome)
      case "Refused":
        return bisect(delivery, part, rest, { code, message: outcome.message })
      case "TooLarge":
        // the answer of the old URL says nothing about the new one
        if (asked.endpoint !== endpoint()) return Effect.void
        limits.shrink(sizeOf(part.events), configured())
        return splitOrDrop(delivery, part, rest, { code, message: outcome.message })
      case "Retry":
        return asked.endpoint === endpoint()
          ? waitForEndpoint(delivery, part, rest, asked, outcome)
          : sendToOther(delivery, part, rest, { code, message: outcome.message })
    }
  }

  // -- outcomes of the events of a part -------------------------------------------------------------------------------

  const drop = (
    delivery: Delivery,
    part: Part,
    dropped: Omit<Settlement & { readonly _tag: "Dropped" }, "_tag">
  ): Effect.Effect<void> => {
    if (part.events.length === 0) return Effect.void
    return settlements.settle(delivery.lease, part, { ...dropped, _tag: "Dropped" })
  }

  /**
   * Counts a retry for each event of a part, and drops the events without a retry left. The result holds the others.
   */
  const countRetry = (
    delivery: Delivery,
    part: Part,
    last: Last
  ): readonly [retried: Part, dropExhausted: Effect.Effect<void>] => {
    const retries = part.retries + 1
    const [left, exhausted] = Arr.partition(
      part.events,
      (event) => event.retries + retries > settings().flushMaxRetries
    )
    if (left.length > 0) {
      Metrics.retried(left.length)
      log.retried("pipeline", { ...last, count: left.length, events: decoded(left) })
    }
    return [
      { ...part, events: left, retries },
      drop(delivery, { ...part, events: exhausted }, { ...last, reason: "RetriesExhausted" })
    ]
  }

  /** Releases all events that are left of a batch. */
  const giveBack = (delivery: Delivery): Effect.Effect<void> => {
    const { parts } = delivery
    delivery.parts = []
    return Effect.forEach(parts, (part) => settlements.release(delivery.lease, part, 0), { discard: true })
  }

  const waitForEndpoint = (
    delivery: Delivery,
    part: Part,
    rest: ReadonlyArray<Part>,
    { answer, code, endpoint }: Asked,
    outcome: Outcome.Outcome & { readonly _tag: "Retry" }
  ): Effect.Effect<void> => {
    const [retried, dropExhausted] = countRetry(delivery, part, { code, message: outcome.message })
    delivery.parts = [retried, ...rest].filter(({ events }) => events.length > 0)
    return endpoint.backoff.unavailable(
      settings().retrySchedule,
      {
        input: "status" in answer ? { code } : { code, cause: withoutKey(answer, outcome.message) },
        delay: outcome.wait
      },
      Effect.zipRight(dropExhausted, Effect.suspend(() => giveBack(delivery)))
    )
  }

  /** Sends the events of a request to the old URL to the new URL at once. */
  const sendToOther = (
    delivery: Delivery,
    part: Part,
    rest: ReadonlyArray<Part>,
    last: Last
  ): Effect.Effect<void> => {
    const [retried, dropExhausted] = countRetry(delivery, part, last)
    delivery.parts = [retried, ...rest].filter(({ events }) => events.length > 0)
    return dropExhausted
  }

  /**
   * Drops and pauses the named events. The later events of a paused lane are released as well, and the others are sent
   * again at once.
   */
  const settleNamed = (
    delivery: Delivery,
    part: Part,
    rest: ReadonlyArray<Part>,
    code: number,
    outcome: Outcome.Outcome & { readonly _tag: "Named" }
  ): Effect.Effect<void> =>
    withClock((clock) => {
      const waitingLanes = new Set<string>()
      const paused: Array<EncodedEvent> = []
      const behind: Array<EncodedEvent> = []
      const again: Array<EncodedEvent> = []
      part.events.forEach((event, index) => {
        if (outcome.dropped.has(index)) return
        if (outcome.paused.has(index)) {
          waitingLanes.add(event.lane)
          paused.push(event)
        } else (waitingLanes.has(event.lane) ? behind : again).push(event)
      })
      const [free, held] = splitByLane(rest, waitingLanes)
      delivery.parts = again.length === 0 ? free : [{ ...part, events: again }, ...free]
      const [retried, dropExhausted] = countRetry(delivery, { ...part, events: paused }, {
        code,
        message: outcome.message
      })
      const release = (part: Part, notBefore: number) => settlements.release(delivery.lease, part, notBefore)
      return Effect.all(
        [
          ...Object.values(Arr.groupBy(outcome.dropped, ([_, { reason }]) => reason)).map((group) =>
            drop(delivery, { ...part, events: group.map(([index]) => part.events[index]!) }, { ...group[0][1], code })
          ),
          dropExhausted,
          release(retried, wallTimeOf(clock) + outcome.pause),
          release({ ...part, events: behind }, 0),
          ...held.map((other) => release(other, 0))
        ],
        { discard: true }
      )
    })

  /** At least one event is refused, and the answer does not name it: sends the halves by themselves. */
  const bisect = (
    delivery: Delivery,
    part: Part,
    rest: ReadonlyArray<Part>,
    last: Last
  ): Effect.Effect<void> => {
    const bisection = part.bisection ?? { refusals: 0 }
    bisection.refusals++
    const rejected = { ...last, reason: "Rejected" as const }
    if (bisection.refusals >= maxRefusals) {
      const [others, unsent] = Arr.partition(rest, (other) => other.bisection === bisection)
      delivery.parts = others
      return Effect.forEach([part, ...unsent], (other) => drop(delivery, other, rejected), { discard: true })
    }
    if (part.events.length === 1) {
      delivery.parts = rest
      return drop(delivery, part, rejected)
    }
    delivery.parts = [...halve({ ...part, bisection }), ...rest]
    return Effect.void
  }

  const splitOrDrop = (
    delivery: Delivery,
    part: Part,
    rest: ReadonlyArray<Part>,
    last: Last
  ): Effect.Effect<void> => {
    if (part.events.length === 1) {
      delivery.parts = rest
      return drop(delivery, part, { ...last, reason: "PayloadTooLarge" })
    }
    delivery.parts = [...halve(part), ...rest]
    return Effect.void
  }

  /** Counts a defect while an answer is handled as no answer, so that no event is sent for ever. */
  const onDefect = (
    delivery: Delivery,
    part: Part,
    target: Target,
    cause: Cause.Cause<never>
  ): Effect.Effect<void> => {
    const message = "the answer could not be decided"
    log.burst("delivery", 1, () => ({
      level: LogLevel.Error,
      module: "pipeline",
      message,
      annotations: { cause: causeText(cause) }
    }))
    return Effect.suspend(() => {
      const index = delivery.parts.indexOf(part)
      const rest = index < 0 ? delivery.parts : Arr.remove(delivery.parts, index)
      if (target.endpoint !== endpoint()) return sendToOther(delivery, part, rest, { code: 0, message })
      const [retried, dropExhausted] = countRetry(delivery, part, { code: 0, message })
      delivery.parts = [retried, ...rest].filter(({ events }) => events.length > 0)
      return target.endpoint.backoff.unavailable(
        settings().retrySchedule,
        { input: { code: 0, cause: new TransportError({ message }) }, delay: (scheduled) => scheduled },
        Effect.zipRight(dropExhausted, Effect.suspend(() => giveBack(delivery)))
      )
    })
  }

  return deliver
}

/** The error for the user's schedule, without its cause, which can hold the request and with it the API key. */
const withoutKey = ({ reason }: TransportError, message: string): TransportError =>
  new TransportError({ reason, message })

const halve = (part: Part): readonly [Part, Part] => {
  const middle = Math.ceil(part.events.length / 2)
  return [
    { ...part, events: part.events.slice(0, middle) },
    { ...part, events: part.events.slice(middle) }
  ]
}

/** Separates the events of some lanes from the others. */
const splitByLane = (
  parts: ReadonlyArray<Part>,
  lanes: ReadonlySet<string>
): readonly [others: ReadonlyArray<Part>, ofLanes: ReadonlyArray<Part>] => {
  const filter = (keep: (event: EncodedEvent) => boolean): ReadonlyArray<Part> =>
    parts
      .map((part) => ({ ...part, events: part.events.filter(keep) }))
      .filter((part) => part.events.length > 0)
  return [filter((event) => !lanes.has(event.lane)), filter((event) => lanes.has(event.lane))]
}

/** Why a part is too large to send, or undefined. Settings can have changed since its events were accepted. */
const tooLargeToSend = ({ events }: Part, { maxBytes }: Limits): string | undefined => {
  const size = sizeOf(events).maxBytes
  return size <= maxBytes
    ? undefined
    : `expected at most ${maxBytes} bytes of events in a request, got ${size}`
}
