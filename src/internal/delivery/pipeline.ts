/**
 * From the storage to the service: a stream of the times at which something is due and the endpoint open. With each,
 * batch after batch is leased, sent, and settled as its answer says, for as long as there are any.
 *
 * What is leased is on the wire or about to be: an event that has to wait goes back to the storage, which keeps it in
 * its place and its lane behind it. So the storage alone knows what waits, the overflow policy can drop it, and a batch
 * is nothing but what one fiber is sending.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import { identity } from "effect/Function"
import * as LogLevel from "effect/LogLevel"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import type { AmplitudeConfig } from "../../AmplitudeConfig.js"
import type { StorageError } from "../../AmplitudeError.js"
import { TransportError } from "../../AmplitudeError.js"
import type { EventStorage } from "../../EventStorage.js"
import type { Transport } from "../../Transport.js"
import { byteLength } from "../event/utf8.js"
import type { Turns } from "../intake/fairness.js"
import type { Log } from "../log.js"
import * as Memory from "../storage/memory.js"
import { toPlain } from "../storage/storedEvent.js"
import { clockOf, withNow } from "../time.js"
import type { Restore } from "../transport/deadlines.js"
import * as Deadlines from "../transport/deadlines.js"
import * as Exchange from "../transport/exchange.js"
import * as Endpoint from "./backoff.js"
import * as Cut from "./batchLimits.js"
import * as Company from "./batchTrigger.js"
import * as Metrics from "./metrics.js"
import * as Outcome from "./outcome.js"
import type { Ledger } from "./outstanding.js"
import type { Reports, Settlement } from "./reports.js"
import * as Request from "./request.js"

type EncodedEvent = EventStorage.EncodedEvent

export interface Dependencies {
  readonly config: AmplitudeConfig.Service
  readonly storage: EventStorage.Service
  readonly transport: Transport.Service
  readonly ledger: Ledger
  readonly reports: Reports
  readonly log: Log
  readonly turns: Turns
}

export interface Pipeline {
  /** The storage has taken an event of so many bytes of JSON. */
  readonly arrived: (bytes: number, now: number) => void
  /** The overflow policy has dropped an event that was waiting. */
  readonly overflowed: (event: EncodedEvent, capacity: number) => void
  /** What waits for company leaves as soon as it can. */
  readonly hurry: Effect.Effect<void>
  /** Settings have changed. */
  readonly reconsider: Effect.Effect<void>
  /** Stops sending and gives every event that is left its outcome, or leaves it to the next process. */
  readonly stop: Effect.Effect<void>
}

/** Events that are sent together. */
interface Segment {
  /** In a list of its own, which is emptied when all of them get their outcome at once. */
  readonly events: Array<EncodedEvent>
  /** How many requests have carried them since they were leased. */
  readonly sent: number
  /** The bisection that they are part of. */
  readonly bisection?: Bisection | undefined
}

/** The search for the events of a batch that the service refuses. */
interface Bisection {
  /** Refusals since the last acceptance. */
  refusals: number
}

/** What one lease took, and what is left of it: a stack, what is sent next on top. */
interface Batch {
  work: ReadonlyArray<Segment>
}

/** After so many refusals in a row it is not one event that is at fault. */
const maxRefusals = 20

/** How much longer than a request a lease lasts. */
const leaseMargin = Duration.seconds(30)

/** How long a storage that fails is left alone before it is tried again, in milliseconds: each time twice as long. */
const minStorageDelay = 100
const maxStorageDelay = 10_000

export const make = (deps: Dependencies): Effect.Effect<Pipeline, never, Scope.Scope> =>
  Effect.gen(function*() {
    const { config, ledger, log, reports, storage, transport, turns } = deps
    const inPlace = Memory.inPlaceOf(storage)
    const leaseEvents: EventStorage.Service["lease"] = inPlace?.lease ?? ((options) => storage.lease(options))
    const acknowledge = inPlace === undefined ? acknowledgeById(storage) : inPlace.acknowledge
    const company = Company.make()
    const deadlines = Deadlines.make()
    const changed = yield* Effect.makeLatch(false)
    let underWay: ReadonlyArray<Batch> = []
    /** The events that are paused, so that they have their outcome also where a storage keeps them back to the end. */
    const paused = new Map<string, EncodedEvent>()
    /** How many retries were counted for an event; only for those that have one and no outcome. */
    const retries = new Map<string, number>()
    let stopping = false
    let endpoint = Endpoint.make()
    let endpointUrl = Request.url(config.unsafeSettings())

    // -- the storage ---------------------------------------------------------------------------------------------------

    /**
     * Asks the storage for as long as it fails: nothing is lost meanwhile. Only the time between two tries can be
     * interrupted, so that what the storage answers is never lost either.
     */
    const persistently = <A>(
      operation: string,
      effect: Effect.Effect<A, StorageError>,
      delay = minStorageDelay
    ): Effect.Effect<A> =>
      Effect.catchAllCause(effect, () => {
        log.burst(`storage ${operation}`, 1, (count) => ({
          level: LogLevel.Error,
          module: "EventStorage",
          message: `the storage failed to ${operation} events (${count} times), it is tried again`
        }))
        return Effect.zipRight(
          Effect.interruptible(Effect.sleep(Duration.millis(delay))),
          Effect.suspend(() => persistently(operation, effect, Math.min(delay * 2, maxStorageDelay)))
        )
      })

    /** Gives events their outcome: they leave the storage, and those that were still ours are reported. */
    const settle = (
      segment: Segment,
      events: ReadonlyArray<EncodedEvent>,
      settlement: Settlement
    ): Effect.Effect<void> =>
      events.length === 0 ? Effect.void : Effect.map(
        persistently("acknowledge", acknowledge(events)),
        (held) => {
          const ours = held.length === events.length ? undefined : new Set(held)
          if (retries.size > 0 || paused.size > 0) {
            for (const { id } of events) {
              retries.delete(id)
              paused.delete(id)
            }
          }
          if (ours !== undefined || reports.isWanted()) {
            for (const event of events) {
              if (ours === undefined || ours.has(event)) {
                reports.settled(event, settlement, event.attempts + segment.sent)
              } else reports.unreported(event.id, "Elsewhere")
            }
          }
          ledger.closeEach(events)
          if (settlement._tag === "Delivered") Metrics.delivered(held.length, ledger.size())
          else Metrics.dropped(settlement.reason, held.length, ledger.size())
          inPlace?.leave(events)
          // what ran for them can outlive them by a while, up to the next major collection
          if (events === segment.events) segment.events.length = 0
        }
      )

    /** Gives events back to the storage until `notBefore`. */
    const release = ({ sent }: Segment, events: ReadonlyArray<EncodedEvent>, notBefore: number): Effect.Effect<void> =>
      Effect.forEach(
        Object.values(Arr.groupBy(events, (event) => String(event.attempts))),
        (group) => {
          // before the storage knows: its records may be the same
          const attempts = group[0].attempts + sent
          return Effect.map(
            persistently("release", storage.release(group.map((event) => event.id), { notBefore, attempts })),
            () => {
              company.expect(notBefore)
              if (notBefore > 0) {
                for (const event of group) paused.set(event.id, { ...toPlain(event), attempts })
              }
              // never sent: for the company they have not left yet
              if (attempts === 0) {
                for (const event of group) {
                  company.arrive(notBefore, Cut.lengthOf(event), limitsOf(config.unsafeSettings()))
                }
              }
            }
          )
        },
        { discard: true }
      )

    // -- the stream of batches -----------------------------------------------------------------------------------------

    /** Asked for with every event: worked out once for each settings. */
    let known: { readonly settings: AmplitudeConfig.Settings; readonly limits: Company.Limits } | undefined
    const configured = (settings: AmplitudeConfig.Settings): Company.Limits => {
      if (known?.settings !== settings) {
        known = {
          settings,
          limits: { ...Request.limits(settings, transport), interval: Duration.toMillis(settings.flushInterval) }
        }
      }
      return known.limits
    }

    const limitsOf = (settings: AmplitudeConfig.Settings): Company.Limits => endpoint.limits(configured(settings))

    /** The endpoint's state is that of one URL. */
    const watchUrl = (settings: AmplitudeConfig.Settings): void => {
      const url = Request.url(settings)
      if (url !== endpointUrl) {
        endpointUrl = url
        endpoint = Endpoint.make()
      }
    }

    const lease = (settings: AmplitudeConfig.Settings): Effect.Effect<Batch> => {
      const limits = limitsOf(settings)
      const ttl = Duration.sum(settings.requestTimeout, leaseMargin)
      return Effect.flatMap(
        persistently("lease", leaseEvents({ count: limits.count, bytes: limits.bytes, ttl })),
        (events) => {
          const short = events.length < limits.count && !isFull(events, limits)
          return Effect.flatMap(short ? isAnythingHeld(events.length) : none, (rest) =>
            withNow((now) => {
              company.leave(events, now, short, rest)
              if (paused.size > 0) { for (const event of events) paused.delete(event.id) }
              const batch: Batch = { work: events.length === 0 ? [] : [{ events: events.slice(), sent: 0 }] }
              if (events.length > 0) underWay = [...underWay, batch]
              return Exit.succeed(batch)
            }))
        }
      )
    }

    const none = Exit.succeed(false)

    /** Whether the storage holds more than what is leased; of one that is shared nobody can say. */
    const isAnythingHeld = (leased: number): Effect.Effect<boolean> => {
      const sent = underWay.flatMap(({ work }) => work.map((segment) => segment.events.length))
      return storage.shared
        ? Effect.succeed(true)
        : Effect.map(persistently("count", storage.size), (size) => size > sent.reduce((sum, n) => sum + n, leased))
    }

    /** When the next batch is due and the endpoint open, as things are: `changed` says when they are different. */
    const nextAt = (settings: AmplitudeConfig.Settings): number => {
      watchUrl(settings)
      changed.unsafeClose()
      return Math.max(
        company.dueAt(limitsOf(settings)),
        endpoint.opensAt(underWay.length, settings.flushConcurrency)
      )
    }

    const waitUntil = (at: number, now: number): Effect.Effect<unknown> =>
      at === Infinity ? changed.await : Effect.timeoutOption(changed.await, Duration.millis(Math.ceil(at - now)))

    /** Waits until a batch is due. */
    const due: Effect.Effect<void> = withNow((now) => {
      const at = nextAt(config.unsafeSettings())
      return at <= now ? Effect.void : Effect.zipRight(waitUntil(at, now), due)
    })

    /** Sends batch after batch, until none is due and none is under way. */
    const sendWhileDue: Effect.Effect<void> = withNow((now) => {
      const settings = config.unsafeSettings()
      const at = nextAt(settings)
      if (at <= now) {
        return Effect.flatMap(Effect.uninterruptible(lease(settings)), (batch) => {
          if (batch.work.length === 0) return sendWhileDue
          turns.left()
          // where there is one request at a time nothing is due before it is done
          const sent = settings.flushConcurrency === 1 ? delivery(batch) : Effect.fork(delivery(batch))
          return Effect.zipRight(sent, sendWhileDue)
        })
      }
      return underWay.length === 0 ? deadlines.rest : Effect.zipRight(waitUntil(at, now), sendWhileDue)
    })

    const reconsider = Effect.asVoid(changed.open)

    // -- one batch -----------------------------------------------------------------------------------------------------

    /** One request and its answer: an exchange where the transport knows one, else an effect in a fiber of its own. */
    const exchange = (
      settings: AmplitudeConfig.Settings,
      makeBody: () => string | Uint8Array
    ): Deadlines.Begin<Transport.Answer, TransportError> => {
      const { compression } = settings
      const url = Request.url(settings)
      const begin = compression === "none" ? Exchange.beginOf(transport.send) : undefined
      // the body is made where it is sent: what holds it longer costs every garbage collection until the next major one
      if (begin !== undefined) {
        return (tell) =>
          Effect.withFiberRuntime(({ currentContext }) =>
            Exit.succeed(begin(
              Exchange.requestFor(transport.send, url, makeBody),
              currentContext,
              (exit) => tell(Exit.flatMap(exit, checkAnswer))
            ))
          )
      }
      const sent = compression === "none"
        ? Effect.suspend(() => transport.send(Exchange.requestFor(transport.send, url, makeBody)))
        : Effect.flatMap(Effect.suspend(() => Request.compress(makeBody())), (compressed) =>
          transport.send(
            compressed.contentEncoding === undefined
              ? Exchange.requestFor(transport.send, url, () => compressed.body)
              : { url, ...compressed }
          ))
      return Deadlines.inFiber(Effect.flatMap(sent, checkAnswer))
    }

    /** The same, limited in time, and seen: a span of its own, the metrics of a request, a line at debug level. */
    const send = (
      settings: AmplitudeConfig.Settings,
      { events, sent }: Segment,
      restore: Restore
    ): Effect.Effect<Outcome.Answer> =>
      Effect.flatMap(Effect.makeSpan("amplitude.send", spanOptions), (span) =>
        Effect.withFiberRuntime((fiber) => {
          const clock = clockOf(fiber)
          const context = fiber.currentContext
          const isTimed = fiber.getFiberRef(FiberRef.currentTracerTimingEnabled)
          const end = (exit: Exit.Exit<unknown>) => span.end(isTimed ? clock.unsafeCurrentTimeNanos() : 0n, exit)
          const started = clock.unsafeCurrentTimeMillis()
          const attempt = events[0]!.attempts + sent
          let bytes = 0
          const begin = exchange(settings, () => {
            const body = Request.body(settings, events)
            bytes = byteLength(body)
            return body
          })
          const answered = deadlines.within(begin, settings.requestTimeout, timeout, restore)
          // set, and set back in each case: nothing can come in between where nothing can be interrupted
          return Effect.matchCauseEffect(
            Effect.zipRight(setContext(Context.add(context, Tracer.ParentSpan, span)), answered),
            {
              onFailure: (interruption) => {
                end(Exit.failCause(interruption))
                return Effect.zipRight(setContext(context), Effect.failCause(interruption))
              },
              onSuccess: (exit) => {
                const answer = answerOf(exit)
                const status = "status" in answer ? answer.status : 0
                const millis = clock.unsafeCurrentTimeMillis() - started
                Metrics.requested({ status, bytes, events: events.length, millis })
                span.attribute("amplitude.batch_size", events.length)
                span.attribute("amplitude.bytes", bytes)
                span.attribute("amplitude.status", status)
                span.attribute("amplitude.attempt", attempt)
                end(Exit.succeed(answer))
                log.write({
                  level: LogLevel.Debug,
                  module: "pipeline",
                  message: `sent ${events.length} events`,
                  annotations: { bytes, status, attempt }
                })
                return Effect.zipRight(setContext(context), Exit.succeed(answer))
              }
            }
          )
        }))

    /**
     * Sends what is left of a batch, one segment after the other, until nothing is, or it has to wait. Only the waiting for
     * an answer and the schedule of the user's can be interrupted.
     */
    const deliver = (batch: Batch): Effect.Effect<void> =>
      Effect.uninterruptibleMask((restore) =>
        Effect.zipRight(
          Effect.whileLoop({
            while: () => batch.work.length > 0 && !stopping,
            body: () => step(batch, restore),
            step: () => {}
          }),
          Effect.sync(() => {
            if (batch.work.length === 0) end(batch)
          })
        )
      )

    const end = (batch: Batch): void => {
      underWay = underWay.filter((other) => other !== batch)
      company.unblock()
      changed.unsafeOpen()
    }

    const step = (batch: Batch, restore: Restore): Effect.Effect<void> =>
      Effect.suspend(() => {
        const [segment, ...rest] = batch.work as [Segment, ...ReadonlyArray<Segment>]
        const settings = config.unsafeSettings()
        watchUrl(settings)
        if (segment.sent > 0 && endpoint.inTrouble()) return giveBack(batch)
        const oversized = tooLargeToSend(segment, settings)
        if (oversized !== undefined) return tooLarge(batch, segment, rest, settings, { code: 0, message: oversized })
        const sent: Segment = { ...segment, sent: segment.sent + 1 }
        batch.work = [sent, ...rest]
        const answered = send(settings, sent, restore)
        return Effect.flatMap(
          segment.sent === 0 ? answered : Effect.zipRight(renew(batch, settings), answered),
          (answer) =>
            withNow((now) =>
              carryOut(
                batch,
                sent,
                rest,
                settings,
                answer,
                Outcome.decide(answer, {
                  apiKey: Redacted.value(settings.apiKey),
                  now,
                  useBatch: settings.useBatch,
                  events: segment.events
                }),
                restore
              )
            )
        )
      })

    const renew = (batch: Batch, settings: AmplitudeConfig.Settings): Effect.Effect<void> =>
      persistently(
        "renew",
        storage.renew(
          batch.work.flatMap((segment) => segment.events.map((event) => event.id)),
          Duration.sum(settings.requestTimeout, leaseMargin)
        )
      )

    const carryOut = (
      batch: Batch,
      segment: Segment,
      rest: ReadonlyArray<Segment>,
      settings: AmplitudeConfig.Settings,
      answer: Outcome.Answer,
      outcome: Outcome.Outcome,
      restore: Restore
    ): Effect.Effect<void> => {
      const code = "status" in answer ? answer.status : 0
      if (outcome._tag !== "Retry") endpoint.answered()
      switch (outcome._tag) {
        case "Delivered": {
          endpoint.grow(configured(settings))
          if (segment.bisection !== undefined) segment.bisection.refusals = 0
          batch.work = rest
          const delivered: Settlement = { _tag: "Delivered", code, message: outcome.message }
          return settle(segment, segment.events, delivered)
        }
        case "Dropped":
          batch.work = rest
          return drop(segment, segment.events, { ...outcome, code })
        case "Named":
          return named(batch, segment, rest, code, outcome)
        case "Refused":
          return refused(batch, segment, rest, code, outcome.message)
        case "TooLarge":
          return tooLarge(batch, segment, rest, settings, { code, message: outcome.message })
        case "Retry":
          return Effect.zipRight(
            restore(endpoint.trouble(
              settings.retrySchedule,
              "status" in answer ? { code } : { code, cause: withoutKey(answer, outcome.message) },
              outcome.wait
            )),
            Effect.suspend(() => {
              batch.work = rest
              return Effect.zipRight(
                retry(segment, segment.events, 0, settings, { code, message: outcome.message }),
                giveBack(batch)
              )
            })
          )
      }
    }

    /** Gives back all that is left of a batch. */
    const giveBack = (batch: Batch): Effect.Effect<void> => {
      const work = batch.work
      batch.work = []
      return Effect.forEach(work, (segment) => release(segment, segment.events, 0), { discard: true })
    }

    const drop = (
      segment: Segment,
      events: ReadonlyArray<EncodedEvent>,
      dropped: Omit<Settlement & { readonly _tag: "Dropped" }, "_tag">
    ): Effect.Effect<void> => {
      if (events.length === 0) return Effect.void
      warnOfDrops(events.length, dropped)
      const settlement: Settlement = { ...dropped, _tag: "Dropped" }
      return settle(segment, events, settlement)
    }

    /** Counts a retry for each of the events: those that have one left wait, the others are given up. */
    const retry = (
      segment: Segment,
      events: ReadonlyArray<EncodedEvent>,
      notBefore: number,
      { flushMaxRetries }: AmplitudeConfig.Settings,
      last: { readonly code: number; readonly message: string }
    ): Effect.Effect<void> => {
      const exhausted: Array<EncodedEvent> = []
      const waiting: Array<EncodedEvent> = []
      for (const event of events) {
        const counted = (retries.get(event.id) ?? 0) + 1
        if (counted > flushMaxRetries) exhausted.push(event)
        else {
          retries.set(event.id, counted)
          waiting.push(event)
        }
      }
      if (waiting.length > 0) {
        Metrics.retried(waiting.length)
        warnOfRetry(waiting.length, last.code)
      }
      return Effect.zipRight(
        drop(segment, exhausted, { ...last, reason: "RetriesExhausted" }),
        release(segment, waiting, notBefore)
      )
    }

    /** Some events are given up or wait. Later ones of a lane that waits wait behind it, the rest is sent again at once. */
    const named = (
      batch: Batch,
      segment: Segment,
      rest: ReadonlyArray<Segment>,
      code: number,
      outcome: Outcome.Outcome & { readonly _tag: "Named" }
    ): Effect.Effect<void> =>
      withNow((now) => {
        const settings = config.unsafeSettings()
        const waitingLanes = new Set<string>()
        const paused: Array<EncodedEvent> = []
        const behind: Array<EncodedEvent> = []
        const again: Array<EncodedEvent> = []
        const dropped = Arr.groupBy(outcome.dropped, ([_, { reason }]) => reason)
        segment.events.forEach((event, index) => {
          if (outcome.dropped.has(index)) return
          if (outcome.paused.has(index)) {
            waitingLanes.add(event.lane)
            paused.push(event)
          } else (waitingLanes.has(event.lane) ? behind : again).push(event)
        })
        const [free, held] = splitByLane(rest, waitingLanes)
        batch.work = again.length === 0 ? free : [{ ...segment, events: again }, ...free]
        return Effect.forEach(
          Object.values(dropped),
          (group) => drop(segment, group.map(([index]) => segment.events[index]!), { ...group[0][1], code }),
          { discard: true }
        ).pipe(
          Effect.zipRight(retry(segment, paused, now + outcome.pause, settings, { code, message: outcome.message })),
          Effect.zipRight(release(segment, behind, 0)),
          Effect.zipRight(Effect.forEach(held, (other) => release(other, other.events, 0), { discard: true }))
        )
      })

    const refused = (
      batch: Batch,
      segment: Segment,
      rest: ReadonlyArray<Segment>,
      code: number,
      message: string
    ): Effect.Effect<void> => {
      const bisection = segment.bisection ?? { refusals: 0 }
      bisection.refusals++
      const rejected = { code, message, reason: "Rejected" as const }
      if (bisection.refusals >= maxRefusals) {
        batch.work = rest.filter((other) => other.bisection !== bisection)
        return Effect.forEach(
          [segment, ...rest.filter((other) => other.bisection === bisection)],
          (other) => drop(other, other.events, rejected),
          { discard: true }
        )
      }
      if (segment.events.length === 1) {
        batch.work = rest
        return drop(segment, segment.events, rejected)
      }
      batch.work = [...halve({ ...segment, bisection }), ...rest]
      return Effect.void
    }

    const tooLarge = (
      batch: Batch,
      segment: Segment,
      rest: ReadonlyArray<Segment>,
      settings: AmplitudeConfig.Settings,
      last: { readonly code: number; readonly message: string }
    ): Effect.Effect<void> => {
      if (last.code !== 0) endpoint.shrink(Cut.sizeOf(segment.events), configured(settings))
      if (segment.events.length === 1) {
        batch.work = rest
        return drop(segment, segment.events, { ...last, reason: "PayloadTooLarge" })
      }
      batch.work = [...halve(segment), ...rest]
      return Effect.void
    }

    // -- logs ----------------------------------------------------------------------------------------------------------

    const warnOfRetry = (events: number, code: number): void =>
      log.burst("retry", events, (count) => ({
        level: LogLevel.Warning,
        module: "pipeline",
        message: `${count} events wait to be sent again`,
        annotations: { code }
      }))

    const warnOfDrops = (events: number, { code, reason }: { readonly code: number; readonly reason: string }): void =>
      log.burst(`drop ${reason}`, events, (count) => ({
        level: reason === "InvalidApiKey" ? LogLevel.Error : LogLevel.Warning,
        module: "pipeline",
        message: reason === "InvalidApiKey"
          ? `the service does not know the API key: ${count} events dropped`
          : `${count} events dropped: ${reason}`,
        annotations: { code, reason }
      }))

    // -- the life of the pipeline --------------------------------------------------------------------------------------

    const giveBackAll = Effect.suspend(() => {
      const batches = underWay
      underWay = []
      return Effect.forEach(batches, giveBack, { discard: true })
    })

    /** A defect of this module must not end delivery. */
    const survive =
      (what: string, recover: Effect.Effect<void>) => (effect: Effect.Effect<void>): Effect.Effect<void> =>
        Effect.catchAllCause(effect, (cause) =>
          Cause.isInterruptedOnly(cause) ? Effect.failCause(cause) : Effect.zipRight(
            Effect.sync(() =>
              log.write({
                level: LogLevel.Error,
                module: "pipeline",
                message: `${what} died and starts again`,
                annotations: { cause: Cause.pretty(cause) }
              })
            ),
            Effect.zipRight(Effect.sleep("1 second"), Effect.uninterruptible(recover))
          ))

    const delivery = (batch: Batch): Effect.Effect<void> =>
      survive("a delivery", Effect.suspend(() => Effect.map(giveBack(batch), () => end(batch))))(deliver(batch))

    // the fibers that deliver are children of this one: they end with it
    const fiber = yield* Stream.repeatEffect(due).pipe(
      Stream.runForEach(() => sendWhileDue),
      survive("the pipeline", Effect.void),
      Effect.forever,
      Effect.interruptible,
      Effect.forkScoped
    )

    const watcher = yield* persistently("watch", storage.wake).pipe(
      Effect.zipRight(Effect.sync(() => {
        company.expect(0)
        changed.unsafeOpen()
      })),
      Effect.forever,
      Effect.interruptible,
      Effect.forkScoped
    )

    if (ledger.size() > 0) company.expect(0)

    const shutDown = {
      code: 0,
      message: "the client was shut down before the event could be delivered",
      reason: "Shutdown" as const
    }

    const giveUp = (events: ReadonlyArray<EncodedEvent>): Effect.Effect<void> =>
      drop({ events: [], sent: 0 }, events, shutDown)

    const leaseAll = Effect.suspend(() =>
      leaseEvents({ count: Infinity, bytes: Infinity, ttl: leaseMargin, paused: true })
    )

    /** Whether the storage still knows them or not: nobody else is left who could give them their outcome. */
    const giveUpPaused = Effect.suspend(() => {
      const events = Array.from(paused.values())
      paused.clear()
      if (events.length === 0) return Effect.void
      warnOfDrops(events.length, shutDown)
      for (const event of events) {
        reports.settled(event, { ...shutDown, _tag: "Dropped" }, event.attempts)
        ledger.close(event.id)
      }
      Metrics.dropped(shutDown.reason, events.length, ledger.size())
      return Effect.ignore(storage.acknowledge(events.map((event) => event.id)))
    })

    /** Every event of a storage that ends with the process: those that it still keeps back are known here. */
    const sweep: Effect.Effect<void> = Effect.flatMap(leaseAll, giveUp).pipe(
      Effect.zipRight(giveUpPaused),
      Effect.zipRight(Effect.flatMap(leaseAll, giveUp)),
      Effect.ignore
    )

    return {
      arrived: (bytes, now) => {
        if (company.arrive(now, bytes, limitsOf(config.unsafeSettings()))) changed.unsafeOpen()
      },
      overflowed: (event, capacity) => {
        retries.delete(event.id)
        paused.delete(event.id)
        ledger.close(event.id)
        const dropped = { code: 0, message: `the buffer is full: ${capacity} events`, reason: "BufferFull" as const }
        warnOfDrops(1, dropped)
        Metrics.dropped(dropped.reason, 1, ledger.size())
        reports.settled(event, { ...dropped, _tag: "Dropped" }, event.attempts)
      },
      hurry: Effect.zipRight(Effect.sync(company.hurry), reconsider),
      reconsider,
      stop: Effect.gen(function*() {
        stopping = true
        yield* Fiber.interruptAll([fiber, watcher])
        yield* deadlines.rest
        yield* giveBackAll
        if (!storage.durable) yield* sweep
      })
    }
  })

/** Acknowledges events, and answers which of them were still held. */
const acknowledgeById =
  (storage: EventStorage.Service) =>
  (events: ReadonlyArray<EncodedEvent>): Effect.Effect<ReadonlyArray<EncodedEvent>, StorageError> =>
    Effect.map(storage.acknowledge(events.map((event) => event.id)), (held) => {
      const ids = new Set(held)
      return ids.size === events.length ? events : events.filter((event) => ids.has(event.id))
    })

/** The error as the user's schedule sees it: its cause may hold the request, and with it the key. */
const withoutKey = ({ reason }: TransportError, message: string): TransportError =>
  new TransportError({ reason, message })

const setContext = (context: Context.Context<never>): Effect.Effect<void> =>
  FiberRef.set(FiberRef.currentContext, context)

const spanOptions: Tracer.SpanOptions = { root: true, kind: "client", captureStackTrace: false }

/** What goes wrong with a request is an answer like any other. */
const answerOf = (exit: Exit.Exit<Transport.Answer, TransportError>): Outcome.Answer =>
  Exit.match(exit, {
    onSuccess: identity,
    onFailure: (cause) =>
      Either.match(Cause.failureOrCause(cause), {
        onLeft: (error) => error,
        onRight: (defect) => new TransportError({ message: "the transport died", cause: Cause.squash(defect) })
      })
  })

const timeout = (): TransportError =>
  new TransportError({ reason: "Timeout", message: "no whole answer within requestTimeout" })

/** A transport of the user's may not keep to its type. */
const checkAnswer = (answer: Transport.Answer): Exit.Exit<Transport.Answer, TransportError> =>
  Predicate.isNumber(answer?.status) && Predicate.isString(answer.body) && Predicate.isObject(answer.headers)
    ? Exit.succeed(answer)
    : Exit.fail(new TransportError({ message: "the transport gave no answer of its type" }))

// -- segments --------------------------------------------------------------------------------------------------------

const halve = (segment: Segment): readonly [Segment, Segment] => {
  const middle = Math.ceil(segment.events.length / 2)
  return [
    { ...segment, events: segment.events.slice(0, middle) },
    { ...segment, events: segment.events.slice(middle) }
  ]
}

/** Parts the events of some lanes from the others. */
const splitByLane = (
  segments: ReadonlyArray<Segment>,
  lanes: ReadonlySet<string>
): readonly [others: ReadonlyArray<Segment>, ofLanes: ReadonlyArray<Segment>] => {
  const part = (keep: (event: EncodedEvent) => boolean): ReadonlyArray<Segment> =>
    segments
      .map((segment) => ({ ...segment, events: segment.events.filter(keep) }))
      .filter((segment) => segment.events.length > 0)
  return [part((event) => !lanes.has(event.lane)), part((event) => lanes.has(event.lane))]
}

/** Whether a lease that took fewer events than it might have was stopped by their size. */
const isFull = (events: ReadonlyArray<EncodedEvent>, limits: Cut.Limits): boolean =>
  events.length > 0 && !Cut.fits(events, limits.bytes / 2)

/** Why a segment cannot be sent at all: settings can have changed since its events were taken. */
const tooLargeToSend = ({ events }: Segment, settings: AmplitudeConfig.Settings): string | undefined => {
  const { bytes } = Request.limits(settings)
  return Cut.fits(events, bytes)
    ? undefined
    : `expected at most ${bytes} bytes of events in a request, got ${Cut.sizeOf(events).bytes}`
}
