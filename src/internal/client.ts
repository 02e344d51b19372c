/** The rooms put together: what a client is made of, and how it ends. */
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import type { ConfigError } from "effect/ConfigError"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { Amplitude } from "../Amplitude.js"
import { AmplitudeConfig } from "../AmplitudeConfig.js"
import type { InvalidConfig } from "../AmplitudeError.js"
import type { AmplitudeLogger } from "../AmplitudeLogger.js"
import type { DeliveryReport } from "../DeliveryReport.js"
import { Event } from "../Event.js"
import type { EventStorage } from "../EventStorage.js"
import type { Transport } from "../Transport.js"
import * as Ledger from "./delivery/outstanding.js"
import * as Pipeline from "./delivery/pipeline.js"
import * as Reports from "./delivery/reports.js"
import { InsertId } from "./event/insertId.js"
import * as Turns from "./intake/fairness.js"
import * as Plugins from "./intake/plugins.js"
import * as Intake from "./intake/track.js"
import * as Log from "./log.js"
import * as Memory from "./storage/memory.js"

/** How long a storage may take with what it is just appending, and a durable one to get back what it had leased. */
const stopGrace = "1 second"

export interface Services {
  readonly config: AmplitudeConfig.Service
  readonly storage: EventStorage.Service
  readonly transport: Transport.Service
  readonly logger: AmplitudeLogger.Service
}

/** What the client of a test does otherwise. */
export interface TestOptions {
  readonly invalidIsDefect: boolean
  readonly observer: (report: DeliveryReport) => void
}

export const make = (
  services: Services,
  test?: TestOptions
): Effect.Effect<Amplitude.Client, never, Scope.Scope> =>
  Effect.gen(function*() {
    const { config, storage, transport } = services
    const insertId = yield* InsertId
    const log = yield* Log.make(services.logger, config)
    const reports = yield* Reports.make(config, log, test?.observer)
    const ledger = Ledger.make(prefixOf(storage), yield* waitingBefore(storage))
    const turns = Turns.make()
    const pipeline = yield* Pipeline.make({ config, storage, transport, ledger, reports, log, turns })
    const plugins = yield* Plugins.make(config, reports, log)
    const intake = Intake.make({
      config,
      plugins,
      storage,
      ledger,
      pipeline,
      reports,
      log,
      turns,
      insertId,
      invalidIsDefect: test?.invalidIsDefect ?? false
    })

    let ended = false

    const flush = Effect.suspend(() =>
      ended ? Effect.void : pipeline.hurry.pipe(
        Effect.zipRight(Effect.all([ledger.closed, plugins.flush], { concurrency: "unbounded", discard: true })),
        Effect.zipRight(reports.calledBack)
      )
    )

    /** Completed when every event has its outcome. */
    const settled = yield* Deferred.make<void>()

    const end = Effect.gen(function*() {
      const started = yield* Clock.currentTimeMillis
      const limit = Duration.toMillis(config.unsafeSettings().shutdownTimeout)
      const timeUp = Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.sleep(Math.max(0, started + limit - now)))
      yield* intake.close(stopGrace)
      yield* pipeline.hurry
      if (limit > 0) yield* Effect.raceFirst(ledger.closed, timeUp)
      // a durable storage that hangs must not hold up the end; what it could not be told, it finds out by itself
      const stopping = yield* Effect.forkDaemon(pipeline.stop)
      yield* storage.durable ? Effect.timeoutOption(Fiber.await(stopping), stopGrace) : Fiber.await(stopping)
      reports.allUnreported("Stored")
      ledger.closeAll()
      yield* Deferred.succeed(settled, undefined)
      yield* plugins.end(timeUp)
      yield* reports.end(timeUp)
      yield* log.end
      ended = true
    })

    const over = yield* Deferred.make<void>()
    let ending = false

    /** From inside a callback or plugin only the outcomes are waited for: the rest would wait for its caller. */
    const shutdown = Effect.uninterruptible(Effect.suspend(() => {
      const begin = ending ? Effect.void : Effect.forkDaemon(
        Effect.ensuring(Effect.interruptible(reports.outside(end)), Deferred.succeed(over, undefined))
      )
      ending = true
      return Effect.zipRight(
        begin,
        Effect.flatMap(reports.isInside, (inside) => Deferred.await(inside ? settled : over))
      )
    }))

    // after the fibers of the pipeline: finalizers run last in, first out
    yield* Effect.addFinalizer(() => shutdown)

    const client: Amplitude.Client = {
      track: intake.track,
      trackOrFail: intake.trackOrFail,
      trackAndWait: intake.trackAndWait,
      identify: (identify, options) => Effect.suspend(() => intake.track(Event.identify(identify, options))),
      groupIdentify: (groupType, groupName, identify, options) =>
        Effect.suspend(() => intake.track(Event.groupIdentify(groupType, groupName, identify, options))),
      setGroup: (groupType, groupName, options) =>
        Effect.suspend(() => intake.track(Event.setGroup(groupType, groupName, options))),
      revenue: (revenue, options) => Effect.suspend(() => intake.track(Event.revenue(revenue, options))),
      flush,
      shutdown,
      deliveries: reports.deliveries,
      add: (plugin) => plugins.add(client, plugin),
      remove: plugins.remove,
      setOptOut: (optOut) => Effect.orDie(config.update({ optOut })),
      config: config.settings,
      updateConfig: (patch) =>
        config.update(patch).pipe(
          Effect.zipRight(storage.trim ?? Effect.succeed([])),
          Effect.map((dropped) => {
            for (const event of dropped) pipeline.overflowed(event, config.unsafeSettings().bufferCapacity)
          }),
          Effect.zipRight(pipeline.reconsider),
          Effect.uninterruptible
        )
    }
    return client
  })

/** What sets a client's ids apart from others': in memory, where few can meet, it is short, for it is in every id. */
const prefixOf = (storage: EventStorage.Service): string => {
  const uuid = globalThis.crypto.randomUUID()
  return storage.durable || storage.shared ? `${uuid}-` : uuid.slice(0, 6)
}

/** The events that an earlier process has left to this one. */
const waitingBefore = (storage: EventStorage.Service): Effect.Effect<number> =>
  storage.durable && !storage.shared ? Effect.orElseSucceed(storage.size, () => 0) : Effect.succeed(0)

/** A transport, until the scope ends. */
export type MakeTransport = Effect.Effect<Transport.Service, never, Scope.Scope>

/**
 * The client that a program has when it chooses no services: its events wait in memory, and its lines go to Effect's
 * logger. What is made here is made for this client alone.
 */
export const makeDefault = (
  transport: MakeTransport,
  options: Amplitude.Options
): Effect.Effect<Amplitude.Client, InvalidConfig, Scope.Scope> => over(transport, Effect.succeed(options))

/** The same with options that are read from the `ConfigProvider`. */
export const makeDefaultConfig = (
  transport: MakeTransport,
  config: Config.Config.Wrap<Amplitude.Options>
): Effect.Effect<Amplitude.Client, ConfigError | InvalidConfig, Scope.Scope> => over(transport, Config.unwrap(config))

const over = <E>(
  makeTransport: MakeTransport,
  readOptions: Effect.Effect<Amplitude.Options, E>
): Effect.Effect<Amplitude.Client, E | InvalidConfig, Scope.Scope> =>
  Effect.gen(function*() {
    const { plugins, settings } = yield* Plugins.split(yield* readOptions)
    const config = yield* AmplitudeConfig.make(settings)
    const transport = yield* makeTransport
    const client = yield* make({ config, transport, storage: Memory.make(config), logger: Log.effect })
    yield* Plugins.addAll(client, plugins)
    return client
  })
