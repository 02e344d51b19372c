/**
 * The plugins of a client: adding and removing them, leading an event through those that change it, and handing it to
 * those that send it elsewhere.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import { globalValue } from "effect/GlobalValue"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Scope from "effect/Scope"
import type { Amplitude } from "../../Amplitude.js"
import type { AmplitudeConfig } from "../../AmplitudeConfig.js"
import { InvalidConfig, PluginError } from "../../AmplitudeError.js"
import type { Event } from "../../Event.js"
import { fromJson } from "../../Event.js"
import type { Before, Destination, Enrichment, Plugin, SetupContext } from "../../Plugin.js"
import type { Reports } from "../delivery/reports.js"
import { kindOf } from "../event/properties.js"
import type { Log } from "../log.js"
import * as Worker from "../taskQueue.js"

/** How many events wait for one destination; then its oldest is dropped. */
const destinationCapacity = 10_000

/** What came out of plugins: the event, or the plugin that dropped it and why. */
export type Passed =
  | { readonly _tag: "Passed"; readonly event: Event }
  | { readonly _tag: "Dropped"; readonly event: Event; readonly message: string }

export interface Plugins {
  readonly add: (client: Amplitude.Client, plugin: Plugin) => Effect.Effect<void, PluginError>
  readonly remove: (name: string) => Effect.Effect<boolean>
  /** The plugins that an event of this caller passes through: not those inside which it was tracked. */
  readonly before: (inside: ReadonlyArray<Plugin>) => ReadonlyArray<Before>
  readonly enrichment: (inside: ReadonlyArray<Plugin>) => ReadonlyArray<Enrichment>
  /** Leads an event through plugins, in their order. */
  readonly lead: (event: Event, through: ReadonlyArray<Before | Enrichment>) => Effect.Effect<Passed>
  readonly hasDestination: () => boolean
  /** Hands an accepted event to every destination. */
  readonly dispatch: (json: string, inside: ReadonlyArray<Plugin>) => void
  /** Flushes every destination. */
  readonly flush: Effect.Effect<void>
  /** Removes every plugin, the last one first, and waits for none beyond `timeUp`; no other can be added. */
  readonly end: (timeUp: Effect.Effect<void>) => Effect.Effect<void>
}

/** The plugins that the fiber runs in: what it tracks does not pass through them again. */
export const insidePlugins: FiberRef.FiberRef<ReadonlyArray<Plugin>> = globalValue(
  "effect-amplitude/internal/plugins/insidePlugins",
  () => FiberRef.unsafeMake<ReadonlyArray<Plugin>>([])
)

interface Added {
  readonly plugin: Plugin
  readonly scope: Scope.CloseableScope
  /** The events on their way to a destination. */
  readonly worker: Worker.Worker
  /** Whether `setup` is done. */
  ready: boolean
}

export const make = (config: AmplitudeConfig.Service, reports: Reports, log: Log): Effect.Effect<Plugins> =>
  Effect.sync(() => {
    const added = new Map<string, Added>()
    let before: ReadonlyArray<Before> = []
    let enrichment: ReadonlyArray<Enrichment> = []
    let destinations: ReadonlyArray<Added> = []
    let ended = false

    const arrange = (): void => {
      const ready = Array.from(added.values()).filter((one) => one.ready)
      before = ready.flatMap(({ plugin }) => plugin._tag === "Before" ? [plugin] : [])
      enrichment = ready.flatMap(({ plugin }) => plugin._tag === "Enrichment" ? [plugin] : [])
      destinations = ready.filter(({ plugin }) => plugin._tag === "Destination")
    }

    /** Runs what is the plugin's as what it is. */
    const inside = <A, E, R>(plugin: Plugin, effect: () => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      reports.inside(Effect.locallyWith(Effect.suspend(effect), insidePlugins, (outer) => [...outer, plugin]))

    const warn = (plugin: Plugin, what: string, count = 1): void =>
      log.burst(`plugin ${plugin.name} ${what}`, count, (count) => ({
        level: LogLevel.Warning,
        module: "plugins",
        message: `plugin ${plugin.name}: ${what} (${count} times)`,
        annotations: { plugin: plugin.name }
      }))

    /** The cause can hold what events hold, so it is told at debug level only. */
    const explain = (plugin: Plugin, cause: Cause.Cause<unknown>): void =>
      log.write({
        level: LogLevel.Debug,
        module: "plugins",
        message: `plugin ${plugin.name}: why it failed`,
        annotations: { plugin: plugin.name, cause: Cause.pretty(cause) }
      })

    /** An effect of the plugin's whose failure is a line in the log. */
    const logged = (
      plugin: Plugin,
      what: string,
      effect: () => Effect.Effect<unknown, unknown>
    ): Effect.Effect<void> =>
      Effect.catchAllCause(
        Effect.asVoid(inside(plugin, effect)),
        (cause) =>
          Effect.sync(() => {
            warn(plugin, `${what} failed`)
            explain(plugin, cause)
          })
      )

    const lead = (event: Event, through: ReadonlyArray<Before | Enrichment>): Effect.Effect<Passed> => {
      let passed: Passed = { _tag: "Passed", event }
      for (const [index, plugin] of through.entries()) {
        const next = transform(plugin, passed.event)
        if (Effect.isEffect(next)) {
          return Effect.flatMap(
            next,
            (passed) => passed._tag === "Dropped" ? Exit.succeed(passed) : lead(passed.event, through.slice(index + 1))
          )
        }
        passed = next
        if (passed._tag === "Dropped") break
      }
      return Exit.succeed(passed)
    }

    /** What a plugin makes of an event; without an operation of the fiber where the plugin needs none. */
    const transform = (plugin: Before | Enrichment, event: Event): Passed | Effect.Effect<Passed> => {
      const read = (result: Event | Option.Option<Event>): Passed =>
        !Option.isOption(result)
          ? { _tag: "Passed", event: result }
          : Option.isSome(result)
          ? { _tag: "Passed", event: result.value }
          : { _tag: "Dropped", event, message: `plugin ${plugin.name} dropped the event` }
      // not even that can be asked of a revoked proxy
      const onResult = (result: Event | Option.Option<Event>): Passed =>
        Either.getOrElse(Either.try(() => read(result)), (error) => onFailure(Cause.die(error)))
      const onFailure = (cause: Cause.Cause<unknown>): Passed => {
        warn(plugin, Cause.isDie(cause) ? "died, the event was dropped" : "failed, the event was dropped")
        explain(plugin, cause)
        return { _tag: "Dropped", event, message: `plugin ${plugin.name} failed` }
      }
      const executed = Either.getOrElse(Either.try(() => plugin.execute(event)), Exit.die)
      return Exit.isExit(executed)
        ? Exit.match(executed, { onSuccess: onResult, onFailure })
        : Effect.matchCause(inside(plugin, () => executed), { onSuccess: onResult, onFailure })
    }

    // -- the life of a plugin ----------------------------------------------------------------------------------------

    const refuse = (plugin: string, message: string, cause?: unknown): PluginError =>
      new PluginError({ plugin, message: `plugin ${plugin}: ${message}`, cause })

    const add = (client: Amplitude.Client, plugin: Plugin): Effect.Effect<void, PluginError> =>
      Effect.uninterruptibleMask((restore) =>
        Effect.suspend(() => {
          const name: unknown = plugin?.name
          if (!Predicate.isString(name) || name.trim() === "") {
            return Effect.fail(refuse(String(name), "expected a name that is not blank"))
          }
          if (!Predicate.isFunction(plugin.execute)) {
            return Effect.fail(refuse(name, "expected execute to be a function"))
          }
          if (ended) return Effect.fail(refuse(name, "expected it to be added before the client was shut down"))
          if (added.has(name)) return Effect.fail(refuse(name, "expected a name that no other plugin has"))
          return Effect.flatMap(Effect.all([Scope.make(), Worker.make()]), ([scope, worker]) => {
            const one: Added = { plugin, scope, worker, ready: false }
            added.set(name, one)
            return Effect.matchCauseEffect(restore(setUp(client, one)), {
              onSuccess: () =>
                Effect.sync(() => {
                  one.ready = true
                  arrange()
                }),
              onFailure: (cause) => {
                if (added.get(name) === one) added.delete(name)
                return Effect.zipRight(
                  Scope.close(scope, Exit.failCause(cause)),
                  Cause.isInterruptedOnly(cause)
                    ? Effect.interrupt
                    : Effect.fail(refuse(name, "its setup failed", Cause.squash(cause)))
                )
              }
            })
          })
        })
      )

    const setUp = (client: Amplitude.Client, { plugin, scope }: Added): Effect.Effect<void, unknown> => {
      const own: ReadonlyArray<Plugin> = plugin._tag === "Destination" ? [...(plugin.plugins ?? []), plugin] : [plugin]
      const context: SetupContext = { client, settings: config.unsafeSettings() }
      return Effect.forEach(
        own,
        (one) => one.setup === undefined ? Effect.void : Scope.extend(inside(plugin, () => one.setup!(context)), scope),
        { discard: true }
      )
    }

    const remove = (name: string, timeUp: Effect.Effect<void> = Effect.never): Effect.Effect<boolean> =>
      Effect.suspend(() => {
        const one = added.get(name)
        if (one === undefined) return Effect.succeed(false)
        added.delete(name)
        arrange()
        return Effect.as(tearDown(one, timeUp), true)
      })

    /** A destination first executes what it was handed; nothing waits beyond `timeUp`. */
    const tearDown = (one: Added, timeUp: Effect.Effect<void>): Effect.Effect<void> => {
      const { plugin, scope, worker } = one
      const own: ReadonlyArray<Plugin> = plugin._tag === "Destination" ? [plugin, ...(plugin.plugins ?? [])] : [plugin]
      return until(timeUp, drain(one)).pipe(
        Effect.zipRight(worker.abandon),
        Effect.zipRight(Effect.forEach(
          own,
          ({ teardown }) =>
            teardown === undefined ? Effect.void : until(timeUp, logged(plugin, "teardown", () => teardown)),
          { discard: true }
        )),
        Effect.zipRight(until(timeUp, logged(plugin, "the end of its scope", () => Scope.close(scope, Exit.void))))
      )
    }

    /** Runs an effect until `timeUp`: what does not have to wait comes to its end even when the time is up already. */
    const until = (timeUp: Effect.Effect<void>, effect: Effect.Effect<void>): Effect.Effect<void> =>
      Effect.flatMap(Effect.forkDaemon(Effect.interruptible(effect)), (fiber) =>
        Effect.yieldNow().pipe(
          Effect.zipRight(Effect.yieldNow()),
          Effect.zipRight(Effect.raceFirst(Fiber.await(fiber), Effect.interruptible(timeUp))),
          Effect.zipRight(Fiber.interruptFork(fiber))
        ))

    // -- destinations ------------------------------------------------------------------------------------------------

    const execute = (plugin: Destination, json: string, inside: ReadonlyArray<Plugin>): Effect.Effect<void> =>
      Effect.flatMap(
        Effect.suspend(() => lead(fromJson(json), (plugin.plugins ?? []).filter((own) => !inside.includes(own)))),
        (passed) =>
          passed._tag === "Dropped" ? Effect.void : logged(plugin, "execute", () => plugin.execute(passed.event))
      )

    /**
     * Flushes a destination when what was handed to it is executed. One that has no `flush` is not waited for longer
     * than it gets on without waiting itself; and from inside a plugin or a callback nobody waits for the queue.
     */
    const flushOf = ({ plugin, worker }: Added): Effect.Effect<void> => {
      if (plugin._tag !== "Destination") return Effect.void
      const { flush } = plugin
      if (flush === undefined) return worker.whileProgress
      return Effect.flatMap(
        reports.isInside,
        (inside) => Effect.zipRight(inside ? Effect.void : worker.drained, logged(plugin, "flush", () => flush))
      )
    }

    /** What was handed to a destination that ends is executed, whether it has a `flush` or not. */
    const drain = (one: Added): Effect.Effect<void> =>
      Effect.flatMap(
        reports.isInside,
        (inside) => Effect.zipRight(inside ? Effect.void : one.worker.drained, flushOf(one))
      )

    return {
      add,
      remove: (name) => remove(name),
      before: (inside) => inside.length === 0 ? before : before.filter((plugin) => !inside.includes(plugin)),
      enrichment: (inside) =>
        inside.length === 0 ? enrichment : enrichment.filter((plugin) => !inside.includes(plugin)),
      lead,
      hasDestination: () => destinations.length > 0,
      dispatch: (json, inside) => {
        for (const { plugin, worker } of destinations) {
          if (plugin._tag !== "Destination" || inside.includes(plugin)) continue
          if (worker.waiting() >= destinationCapacity) {
            worker.dropOldest()
            warn(plugin, "too slow, its oldest event was dropped")
          }
          worker.offer(execute(plugin, json, inside))
        }
      },
      flush: Effect.flatMap(FiberRef.get(insidePlugins), (inside) =>
        Effect.forEach(
          destinations.filter(({ plugin }) => !inside.includes(plugin)),
          flushOf,
          { concurrency: "unbounded", discard: true }
        )),
      end: (timeUp) =>
        Effect.suspend(() => {
          ended = true
          return Effect.forEach(Array.from(added.keys()).toReversed(), (name) => remove(name, timeUp), {
            discard: true
          })
        })
    }
  })

const isPlugins = (input: unknown): input is ReadonlyArray<Plugin> =>
  Array.isArray(input) &&
  input.every((plugin) => Predicate.isRecord(plugin) && Predicate.isString(plugin.name)) &&
  new Set(input.map(({ name }: Plugin) => name)).size === input.length

/** The plugins of a client's options, apart from its settings. */
export const split = (
  options: Amplitude.Options
): Either.Either<
  { readonly plugins: ReadonlyArray<Plugin>; readonly settings: AmplitudeConfig.Options },
  InvalidConfig
> => {
  const { plugins = [], ...settings } = { ...options }
  return isPlugins(plugins)
    ? Either.right({ plugins, settings })
    : Either.left(
      new InvalidConfig({
        option: "plugins",
        expected: "an array of plugins, each with a name of its own",
        actual: kindOf(plugins)
      })
    )
}

/** Adds the plugins of a client's options. */
export const addAll = (
  client: Amplitude.Client,
  plugins: ReadonlyArray<Plugin>
): Effect.Effect<void, InvalidConfig> =>
  Effect.mapError(
    Effect.forEach(plugins, client.add, { discard: true }),
    ({ message }) => new InvalidConfig({ option: "plugins", expected: "plugins that can be added", actual: message })
  )
