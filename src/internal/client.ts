/** Builds a client from its parts, and shuts it down. */
import * as Config from "effect/Config"
import type { ConfigError } from "effect/ConfigError"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as LogLevel from "effect/LogLevel"
import * as Scope from "effect/Scope"
import type { Amplitude } from "../Amplitude.js"
import { AmplitudeConfig } from "../AmplitudeConfig.js"
import { InvalidConfig } from "../AmplitudeError.js"
import type { AmplitudeLogger } from "../AmplitudeLogger.js"
import type { DeliveryReport } from "../DeliveryReport.js"
import { Parts } from "../Event.js"
import type { EventStorage } from "../EventStorage.js"
import type { Plugin } from "../Plugin.js"
import type { Transport } from "../Transport.js"
import { beginAtOnce, isExit } from "./beginAtOnce.js"
import * as Metrics from "./delivery/metrics.js"
import * as Outstanding from "./delivery/outstanding.js"
import * as Pipeline from "./delivery/pipeline.js"
import * as Reports from "./delivery/reports.js"
import { Unsettled } from "./delivery/unsettled.js"
import { InsertId, randomUuidText } from "./event/insertId.js"
import type { Place } from "./event/jsonWriter.js"
import { textOf } from "./event/utf8.js"
import { Admission } from "./intake/admission.js"
import * as Fairness from "./intake/fairness.js"
import * as Overflow from "./intake/overflow.js"
import * as Plugins from "./intake/plugins.js"
import * as Intake from "./intake/track.js"
import { interruptibleWait } from "./interruptibleWait.js"
import * as Log from "./log.js"
import * as StorageChanges from "./storage/changes.js"
import * as Memory from "./storage/memory.js"
import { monotonicOf, withMonotonic } from "./time.js"
import * as WakefulClock from "./wakefulClock.js"

export interface Services {
  readonly config: AmplitudeConfig.Service
  readonly storage: EventStorage.Service
  readonly transport: Transport.Service
  readonly logger: AmplitudeLogger.Service
}

/** The differences of the client for tests. */
export interface TestOptions {
  readonly invalidIsDefect: boolean
  readonly observer: (report: DeliveryReport) => void
}

/** Makes a client that shuts down when the scope closes. */
export const make = (
  services: Services,
  test?: TestOptions
): Effect.Effect<Amplitude.Client, InvalidConfig, Scope.Scope> =>
  Effect.flatMap(Effect.clock, (clock) => {
    const wakeful = WakefulClock.make(clock)
    return Effect.withClock(build(services, wakeful, test), wakeful)
  })

const build = (
  { config, logger, storage, transport }: Services,
  clock: WakefulClock.WakefulClock,
  test: TestOptions | undefined
): Effect.Effect<Amplitude.Client, InvalidConfig, Scope.Scope> =>
  Effect.gen(function*() {
    const { durability } = storage
    if (!config.unsafeSettings().deliver && durability !== "shared") return yield* Effect.fail(needsSharedStorage)
    const clientId = randomUuidText()
    const insertId = yield* InsertId
    const log = yield* Log.make(logger, config)
    const reports = yield* Reports.make(clientId, config, log, test?.observer)
    const fairness = Fairness.make()
    const unsettled = durability === "process" ? new Unsettled() : undefined
    const outstanding = Outstanding.make({ clientId, unsettled, found: yield* countFound(storage, log) })
    const scope = yield* Scope.make()
    const pipeline = yield* Scope.extend(
      Pipeline.make({
        clientId,
        config,
        storage,
        transport,
        outstanding,
        reports,
        log,
        onLease: fairness.onLease,
        onSettled: () => overflow.onRoom()
      }),
      scope
    )
    const { settlements, trigger } = pipeline
    // the storage need not tell of the events that an earlier process has left
    if (outstanding.size() > 0) trigger.wakeAt(0)
    const plugins = yield* Plugins.make(config, reports, log)
    const monotonic = () => monotonicOf(clock)

    /** Whether other clients use the storage. They can then lease and report events of this client. */
    let hasOthers = false
    // the storage may not answer, while its events can be sent
    const isReconcileWanted = Effect.unsafeMakeLatch(false)
    const reconcileWhenWanted = Effect.zipRight(
      isReconcileWanted.await,
      Effect.suspend(() => {
        isReconcileWanted.unsafeClose()
        return pipeline.reconcile.settledByOthers
      })
    )
    yield* Effect.forkIn(Effect.interruptible(Effect.forever(reconcileWhenWanted)), scope)
    const watching = yield* Scope.extend(
      StorageChanges.watch(
        storage,
        log,
        Effect.sync(() => {
          hasOthers = true
          trigger.wakeAt(0)
          overflow.onRoom()
          isReconcileWanted.unsafeOpen()
        })
      ),
      scope
    )
    let isWatching = false
    /** A client that only stores watches the storage only while a caller waits: a fleet can have hundreds of them. */
    const watchIfDelivering = Effect.sync(() => {
      if (isWatching || !config.unsafeSettings().deliver) return
      isWatching = true
      watching.always()
    })
    const whileWatching = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
      Effect.suspend(() => isWatching ? effect : watching.during(effect))

    const admission = new Admission()

    /** Counts and logs an accepted event, and passes it to the destinations. `inside` are the plugins that tracked it. */
    const publish = (event: Place, inside: ReadonlyArray<Plugin>): void => {
      Metrics.tracked(outstanding.size())
      if (log.isDebug()) log.accepted(textOf(event))
      if (plugins.hasDestination()) plugins.dispatch(textOf(event), inside)
    }

    const overflow: Overflow.Overflow<Intake.Encoded> = Overflow.make<Intake.Encoded>({
      config,
      storage,
      outstanding,
      clientId,
      whileWaiting: whileWatching,
      hasEnded: () => admission.isClosed,
      onAccepted: (events) => {
        for (const event of events) {
          trigger.onAppend(event.end - event.start, event.call.now, monotonic)
          publish(event, event.call.inside)
        }
        return fairness.next()
      },
      whenCommitted: ({ call: { inside } }) => (stored) => publish(stored, inside),
      onEvicted: settlements.evicted
    })
    const intake = Intake.make({
      config,
      admission,
      clock,
      fairness,
      outstanding,
      overflow,
      plugins,
      reports,
      log,
      insertId,
      invalidIsDefect: test?.invalidIsDefect ?? false
    })
    yield* watchIfDelivering
    let hasEnded = false

    /** Other clients may have settled events of this client before `flush` began to wait for these. */
    const reconcileWithOthers = Effect.suspend(() =>
      Effect.zipRight(
        hasOthers || durability === "shared" ? pipeline.reconcile.settledByOthers : Effect.void,
        pipeline.reconcile.committed
      )
    )

    /** Sends at once, and completes when each event that was accepted before has its outcome. */
    const whenNone = (): Effect.Effect<void> => {
      const none = outstanding.none()
      trigger.flush()
      // a storage may not have emitted the commit of a transaction yet
      if (outstanding.uncertainUpTo() !== undefined) trigger.wakeAt(0)
      return none
    }

    const flush = interruptibleWait(Effect.suspend(() => {
      if (hasEnded) return Effect.void
      clock.wakeOverdue(clock.unsafeCurrentTimeMillis())
      // called before any other fiber can track, since `flush` does not wait for later events
      const none = whenNone()
      // the storage may not answer, while events have their outcome. The finalizers of an interrupted fiber wait in an
      // uninterruptible region, where a race would wait for its loser for ever
      const reconciling = Effect.interruptible(Effect.zipRight(Effect.disconnect(reconcileWithOthers), Effect.never))
      return Effect.zipRight(
        whileWatching(
          Effect.all([Effect.raceFirst(none, reconciling), plugins.flush], { concurrency: "unbounded", discard: true })
        ),
        reports.calledBack
      )
    }))

    /** Completes when every event has its outcome. */
    const settled = yield* Deferred.make<void>()

    const end = withMonotonic((started) =>
      Effect.gen(function*() {
        const settings = config.unsafeSettings()
        const limit = Duration.toMillis(settings.shutdownTimeout)
        const until = (limit: number) =>
          withMonotonic((now) => Effect.sleep(Duration.millis(Math.max(0, started + limit - now))))
        const timeUp = until(limit)
        admission.isClosing = true
        overflow.close()
        const sends = settings.deliver && limit > 0
        if (sends) trigger.flush()
        yield* untilTimeUp(admission.none, timeUp)
        yield* untilTimeUp(outstanding.noAppends, until(Math.max(limit, appendGrace)))
        admission.isClosed = true
        // waiting events are sent until the time is up
        if (sends) {
          const none = whenNone()
          yield* Effect.forkDaemon(reconcileWithOthers)
          yield* untilTimeUp(none, until(limit - timeToReturn(limit, durability)))
        }
        const isClosed = yield* untilTimeUp(Scope.close(scope, Exit.void), timeUp)
        // the storage may not answer: events whose outcome is decided are reported without its acknowledgement
        settlements.reportDecided()
        if (unsettled !== undefined && !(isClosed && hasOthers)) settlements.lost(unsettled.events(clientId))
        settlements.end()
        reports.allUnreported(durability === "process" ? "Elsewhere" : "Stored")
        outstanding.end()
        yield* Deferred.succeed(settled, undefined)
        yield* plugins.end(timeUp)
        yield* reports.end(timeUp)
        yield* log.end
        hasEnded = true
      })
    )

    const over = yield* Deferred.make<void>()
    let isEnding = false

    /**
     * A call from a callback or plugin waits for the outcomes only: waiting for the callback, or for the call of `track` that
     * runs the plugin, would wait for itself.
     */
    const shutdown = Effect.uninterruptible(Effect.suspend(() => {
      const begin = isEnding ? Effect.void : Effect.forkDaemon(
        Effect.ensuring(
          Effect.interruptible(Effect.withClock(reports.outside(end), clock)),
          Deferred.succeed(over, undefined)
        )
      )
      isEnding = true
      return begin.pipe(
        Effect.zipRight(Effect.map(reports.calls, admission.endCounting)),
        Effect.zipRight(reports.isInside),
        Effect.flatMap((inside) => interruptibleWait(Deferred.await(inside ? settled : over)))
      )
    }))
    yield* Effect.addFinalizer(() => shutdown)

    const client: Amplitude.Client = {
      track: intake.track,
      trackAll: intake.trackAll,
      trackOrFail: intake.trackOrFail,
      trackAndWait: (...given: Parameters<typeof intake.trackAndWait>) => whileWatching(intake.trackAndWait(...given)),
      identify: (identify, options) => intake.track(Parts.identify(identify), undefined, options),
      groupIdentify: (groupType, groupName, identify, options) =>
        intake.track(Parts.groupIdentify(groupType, groupName, identify), undefined, options),
      setGroup: (groupType, groupName, options) =>
        intake.track(Parts.setGroup(groupType, groupName), undefined, options),
      revenue: (revenue, options) => intake.track(Parts.revenue(revenue), undefined, options),
      flush,
      shutdown,
      deliveries: reports.deliveries,
      add: (plugin) => plugins.add(client, plugin),
      remove: plugins.remove,
      setOptOut: (optOut) => Effect.orDie(config.update({ optOut })),
      config: config.settings,
      updateConfig: (patch) =>
        patch?.deliver === false && durability !== "shared"
          ? Effect.fail(needsSharedStorage)
          : Effect.uninterruptibleMask((restore) => {
            const before = config.unsafeSettings()
            return config.update(patch).pipe(
              Effect.zipRight(pipeline.onConfig),
              Effect.zipRight(watchIfDelivering),
              // the storage may not answer, and the events that it drops are reported even if the caller is interrupted
              Effect.zipRight(Effect.forkDaemon(overflow.onConfig(before))),
              Effect.flatMap((evicting) => restore(Fiber.join(evicting)))
            )
          })
    }
    return client
  })

const needsSharedStorage = new InvalidConfig({
  option: "deliver",
  expected: "true, unless the storage is shared with a process that delivers",
  actual: "false"
})

/** The turns of the scheduler that an effect may still take when the time is up. */
const lastTurns = 1000

/**
 * Runs an effect until the time is up, and gives whether it has ended. An effect that waits for nothing ends even if
 * the time is up at once.
 */
const untilTimeUp = (effect: Effect.Effect<unknown>, timeUp: Effect.Effect<void>): Effect.Effect<boolean> =>
  Effect.flatMap(Effect.forkDaemon(Effect.interruptible(effect)), (fiber) => {
    let turns = 0
    return Effect.zipRight(
      Effect.raceFirst(Fiber.await(fiber), timeUp),
      Effect.map(
        Effect.whileLoop({
          while: () => fiber.unsafePoll() === null && turns++ < lastTurns,
          body: () => Effect.yieldNow(),
          step: () => {}
        }),
        () => fiber.unsafePoll() !== null
      )
    )
  })

/** The least time for an append that is running when the client shuts down, in milliseconds. */
const appendGrace = 1000

/** The part of `shutdownTimeout` that is kept for the release of leases in a durable storage, in milliseconds. */
const timeToReturn = (limit: number, durability: EventStorage.Service["durability"]): number =>
  durability === "process" ? 0 : Math.min(limit / 10, 1000)

/** The longest that building a client waits for its storage. */
const buildTimeout = Duration.seconds(5)

/** The number of events that an earlier process has left in the storage. */
const countFound = (storage: EventStorage.Service, log: Log.Log): Effect.Effect<number> =>
  storage.durability !== "exclusive" ? Effect.succeed(0) : Effect.suspend(() => {
    const begun = beginAtOnce(() => storage.count())
    return isExit(begun)
      ? begun
      : Effect.timeoutFail(Effect.disconnect(begun), { duration: buildTimeout, onTimeout: () => "no answer" })
  }).pipe(
    Effect.catchAllCause(() => {
      log.write({
        level: LogLevel.Error,
        module: "EventStorage",
        message: "the storage failed to count its events: flush does not wait for the events of an earlier process"
      })
      return Effect.succeed(0)
    })
  )

/** Makes a transport that lives as long as the scope. */
export type MakeTransport = Effect.Effect<Transport.Service, never, Scope.Scope>

/** Makes a client with Effect's logger, and with the memory storage unless another one is given. */
export const makeDefault = <E = never, R = never>(
  transport: MakeTransport,
  readOptions: Effect.Effect<Amplitude.Options, E>,
  storage: Effect.Effect<EventStorage.Service, never, R> = Memory.make
): Effect.Effect<Amplitude.Client, E | InvalidConfig, Scope.Scope | R> =>
  Effect.gen(function*() {
    const { plugins, settings } = yield* Plugins.split(yield* readOptions)
    const config = yield* AmplitudeConfig.make(settings)
    const client = yield* make({
      config,
      transport: yield* transport,
      storage: yield* storage,
      logger: Log.effect
    })
    yield* Plugins.addAll(client, plugins)
    return client
  })

/** Reads the options from the `ConfigProvider`. */
export const optionsOf: (
  config: Config.Config.Wrap<Amplitude.Options>
) => Effect.Effect<Amplitude.Options, ConfigError> = Config.unwrap
