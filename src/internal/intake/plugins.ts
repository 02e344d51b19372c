/**
 * The plugins of a client: adds and removes them, applies the ones that change events, and passes accepted events to
 * destinations.
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
import { kindOf } from "../event/validationIssue.js"
import { interruptibleWait } from "../interruptibleWait.js"
import type { Log } from "../log.js"
import { causeText, counted, times } from "../log.js"
import * as TaskQueue from "../taskQueue.js"

/** The most events that wait for one destination. Beyond it the oldest event is dropped. */
const destinationCapacity = 10_000

/** The result of applying plugins: the event, or the reason why a plugin dropped it. */
export type Applied =
  | { readonly _tag: "Passed"; readonly event: Event }
  | { readonly _tag: "Dropped"; readonly event: Event; readonly message: string }

export interface Plugins {
  readonly add: (client: Amplitude.Client, plugin: Plugin) => Effect.Effect<void, PluginError>
  /** Removes the plugin with this name, or with `plugin` only this one. The result says whether there was one. */
  readonly remove: (name: string, plugin?: Plugin) => Effect.Effect<boolean>
  /** The `before` plugins for an event, without the plugins inside which it was tracked. */
  readonly before: (inside: ReadonlyArray<Plugin>) => ReadonlyArray<Before>
  readonly enrichment: (inside: ReadonlyArray<Plugin>) => ReadonlyArray<Enrichment>
  /** Applies plugins to an event, in their order. `call` is the call that tracks the event. */
  readonly apply: (
    event: Event,
    plugins: ReadonlyArray<Before | Enrichment>,
    call: object
  ) => Effect.Effect<Applied>
  readonly hasDestination: () => boolean
  /** Passes an accepted event to every destination. */
  readonly dispatch: (json: string, inside: ReadonlyArray<Plugin>) => void
  /** Flushes every destination. */
  readonly flush: Effect.Effect<void>
  /** Removes every plugin, the last one first, and waits no longer than `timeUp`. No plugin can be added afterwards. */
  readonly end: (timeUp: Effect.Effect<void>) => Effect.Effect<void>
}

/** The plugins that the fiber runs in. Events that it tracks do not pass through them again. */
export const insidePlugins: FiberRef.FiberRef<ReadonlyArray<Plugin>> = globalValue(
  "effect-amplitude/internal/plugins/insidePlugins",
  () => FiberRef.unsafeMake<ReadonlyArray<Plugin>>([])
)

/** An accepted event for a destination, with the plugins inside which it was tracked. */
interface Dispatched {
  readonly json: string
  readonly inside: ReadonlyArray<Plugin>
}

/** A plugin of the client. */
interface Added {
  readonly plugin: Plugin
  readonly scope: Scope.CloseableScope
  /** Whether its `setup` has succeeded. */
  isReady: boolean
}

/** A destination of the client, and the events that wait for it. */
interface AddedDestination extends Added {
  readonly plugin: Destination
  readonly events: TaskQueue.TaskQueue<Dispatched>
}

interface State {
  readonly config: AmplitudeConfig.Service
  readonly reports: Reports
  readonly log: Log
  /** All plugins by their names, in the order in which they were added. */
  readonly added: Map<string, Added | AddedDestination>
  // the ready plugins by their kinds
  before: ReadonlyArray<Before>
  enrichment: ReadonlyArray<Enrichment>
  destinations: ReadonlyArray<AddedDestination>
  /** The fibers that tear removed plugins down. */
  readonly endings: Set<Fiber.RuntimeFiber<void>>
  hasEnded: boolean
}

export const make = (config: AmplitudeConfig.Service, reports: Reports, log: Log): Effect.Effect<Plugins> =>
  Effect.sync(() => {
    const state: State = {
      config,
      reports,
      log,
      added: new Map(),
      before: [],
      enrichment: [],
      destinations: [],
      endings: new Set(),
      hasEnded: false
    }
    return {
      add: (client, plugin) => add(state, client, plugin),
      remove: (name, plugin) => remove(state, name, plugin),
      before: (inside) => without(state.before, inside),
      enrichment: (inside) => without(state.enrichment, inside),
      apply: (event, plugins, call) => apply(state, event, plugins, call),
      hasDestination: () => state.destinations.length > 0,
      dispatch: (json, inside) => {
        for (const { events, plugin } of state.destinations) {
          if (!inside.includes(plugin)) events.offer({ json, inside })
        }
      },
      flush: Effect.flatMap(FiberRef.get(insidePlugins), (inside) =>
        Effect.forEach(
          state.destinations.filter(({ plugin }) => !inside.includes(plugin)),
          (one) => flush(state, one),
          { concurrency: "unbounded", discard: true }
        )),
      end: (timeUp) =>
        Effect.suspend(() => {
          state.hasEnded = true
          return Effect.zipRight(
            Effect.forEach(Array.from(state.added.keys()).toReversed(), (name) => removeUntil(state, name, timeUp), {
              discard: true
            }),
            until(timeUp, Effect.suspend(() => Fiber.awaitAll(state.endings)))
          )
        })
    }
  })

const without = <P extends Plugin>(plugins: ReadonlyArray<P>, inside: ReadonlyArray<Plugin>): ReadonlyArray<P> =>
  inside.length === 0 ? plugins : plugins.filter((plugin) => !inside.includes(plugin))

/** Sorts the plugins by kind after one was added or removed. */
const sort = (state: State): void => {
  const ready = Array.from(state.added.values()).filter(({ isReady }) => isReady)
  state.before = ready.flatMap(({ plugin }) => plugin._tag === "Before" ? [plugin] : [])
  state.enrichment = ready.flatMap(({ plugin }) => plugin._tag === "Enrichment" ? [plugin] : [])
  state.destinations = ready.flatMap((one) => isDestination(one) ? [one] : [])
}

const isDestination = (one: Added | AddedDestination): one is AddedDestination => "events" in one

/** Runs an effect inside a plugin, and inside the call of `track` that runs the plugin. */
const runInside = <A, E, R>(
  { reports }: State,
  plugin: Plugin,
  effect: () => Effect.Effect<A, E, R>,
  call?: object
): Effect.Effect<A, E, R> =>
  reports.inside(Effect.locallyWith(Effect.suspend(effect), insidePlugins, (outer) => [...outer, plugin]), call)

// -- logs --------------------------------------------------------------------------------------------------------------

const warn = ({ log }: State, { name }: Plugin, what: string): void =>
  log.burst(`plugin ${name}: ${what}`, 1, (count) => ({
    level: LogLevel.Warning,
    module: "plugins",
    message: `plugin ${name}: ${what} (${times(count)})`,
    annotations: { plugin: name }
  }))

/** Logs the cause of a failure at debug only, since it can hold values of an event. */
const explain = ({ log }: State, { name }: Plugin, cause: Cause.Cause<unknown>): void =>
  log.write({
    level: LogLevel.Debug,
    module: "plugins",
    message: `plugin ${name}: why it failed`,
    annotations: { plugin: name, cause: causeText(cause) }
  })

/** Runs an effect of a plugin, and logs its failure. */
const logged = (
  state: State,
  plugin: Plugin,
  what: string,
  effect: () => Effect.Effect<unknown, unknown>
): Effect.Effect<void> =>
  Effect.catchAllCause(
    Effect.asVoid(runInside(state, plugin, effect)),
    (cause) =>
      Effect.sync(() => {
        warn(state, plugin, `${what} failed`)
        explain(state, plugin, cause)
      })
  )

// -- applying plugins to an event --------------------------------------------------------------------------------------

const apply = (
  state: State,
  event: Event,
  plugins: ReadonlyArray<Before | Enrichment>,
  call?: object
): Effect.Effect<Applied> => {
  let applied: Applied = { _tag: "Passed", event }
  for (const [index, plugin] of plugins.entries()) {
    const next = applyOne(state, plugin, applied.event, call)
    if (Effect.isEffect(next)) {
      return Effect.flatMap(
        next,
        (applied) =>
          applied._tag === "Dropped"
            ? Exit.succeed(applied)
            : apply(state, applied.event, plugins.slice(index + 1), call)
      )
    }
    applied = next
    if (applied._tag === "Dropped") break
  }
  return Exit.succeed(applied)
}

/** Applies one plugin. A plugin whose effect is already an exit needs no operation of the fiber. */
const applyOne = (
  state: State,
  plugin: Before | Enrichment,
  event: Event,
  call: object | undefined
): Applied | Effect.Effect<Applied> => {
  const onFailure = (cause: Cause.Cause<unknown>): Applied => {
    const message = `plugin ${plugin.name} ${Cause.isDie(cause) ? "died" : "failed"}`
    state.log.dropped("plugins", "Plugin", { count: 1, code: 0, message, events: [event] })
    explain(state, plugin, cause)
    return { _tag: "Dropped", event, message }
  }
  const onSuccess = (result: Event | Option.Option<Event>): Applied =>
    // the result can be a proxy that throws
    Either.getOrElse(Either.try(() => readResult(plugin, event, result)), (error) => onFailure(Cause.die(error)))
  const executed = Either.getOrElse(Either.try(() => plugin.execute(event)), Exit.die)
  return Exit.isExit(executed)
    ? Exit.match(executed, { onSuccess, onFailure })
    : Effect.matchCause(runInside(state, plugin, () => executed, call), { onSuccess, onFailure })
}

const readResult = (plugin: Plugin, event: Event, result: Event | Option.Option<Event>): Applied =>
  !Option.isOption(result)
    ? { _tag: "Passed", event: result }
    : Option.isSome(result)
    ? { _tag: "Passed", event: result.value }
    : { _tag: "Dropped", event, message: `plugin ${plugin.name} dropped the event` }

// -- adding and removing plugins ---------------------------------------------------------------------------------------

const refuse = (plugin: string, message: string, cause?: unknown): PluginError =>
  new PluginError({ plugin, message: `plugin ${plugin}: ${message}`, cause })

/** Why a plugin cannot be added, or undefined. The plugin is not checked before, and can be any value. */
const refusalOf = (state: State, plugin: Plugin): PluginError | undefined => {
  const name: unknown = plugin?.name
  if (!Predicate.isString(name) || name.trim() === "") return refuse(String(name), "expected a name that is not blank")
  if (!isChanging(plugin) && plugin._tag !== "Destination") {
    return refuse(name, "expected a plugin of Plugin.before, Plugin.enrichment or Plugin.destination")
  }
  if (!Predicate.isFunction(plugin.execute)) return refuse(name, "expected execute to be a function")
  if (plugin._tag === "Destination" && plugin.plugins !== undefined && !areOwnPlugins(plugin.plugins)) {
    return refuse(name, "expected plugins to be an array of plugins of Plugin.before and Plugin.enrichment")
  }
  if (state.hasEnded) return refuse(name, "expected it to be added before the client was shut down")
  return state.added.has(name) ? refuse(name, "expected a name that no other plugin has") : undefined
}

/** Whether a plugin changes events. */
const isChanging = (plugin: Plugin): plugin is Before | Enrichment =>
  plugin._tag === "Before" || plugin._tag === "Enrichment"

const areOwnPlugins = (input: unknown): boolean =>
  Array.isArray(input) &&
  input.every((plugin) =>
    Predicate.isRecord(plugin) && isChanging(plugin as unknown as Plugin) && Predicate.isFunction(plugin.execute)
  )

const makeAdded = (state: State, plugin: Plugin): Effect.Effect<Added | AddedDestination> =>
  Effect.gen(function*() {
    const added: Added = { plugin, scope: yield* Scope.make(), isReady: false }
    if (plugin._tag !== "Destination") return added
    const events = yield* TaskQueue.make<Dispatched>({
      execute: (dispatched) => execute(state, plugin, dispatched),
      capacity: () => destinationCapacity,
      onDropped: () => warn(state, plugin, "too slow, its oldest event was dropped")
    })
    return { ...added, plugin, events }
  })

const add = (state: State, client: Amplitude.Client, plugin: Plugin): Effect.Effect<void, PluginError> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.suspend(() => {
      const refusal = refusalOf(state, plugin)
      if (refusal !== undefined) return Effect.fail(refusal)
      const { name } = plugin
      return Effect.flatMap(makeAdded(state, plugin), (one) => {
        // another fiber may have added a plugin with this name meanwhile
        const refusal = refusalOf(state, plugin)
        if (refusal !== undefined) return Effect.fail(refusal)
        state.added.set(name, one)
        return Effect.matchCauseEffect(restore(setUp(state, client, one)), {
          onSuccess: () =>
            Effect.sync(() => {
              one.isReady = true
              sort(state)
            }),
          onFailure: (cause) => {
            if (state.added.get(name) === one) state.added.delete(name)
            return Effect.zipRight(
              Scope.close(one.scope, Exit.failCause(cause)),
              Cause.isInterruptedOnly(cause)
                ? Effect.interrupt
                : Effect.fail(refuse(name, "its setup failed", Cause.squash(cause)))
            )
          }
        })
      })
    })
  )

/** Sets a plugin up. The own plugins of a destination are set up before it. */
const setUp = (state: State, client: Amplitude.Client, { plugin, scope }: Added): Effect.Effect<void, unknown> => {
  const own: ReadonlyArray<Plugin> = plugin._tag === "Destination" ? [...(plugin.plugins ?? []), plugin] : [plugin]
  const context: SetupContext = { client, settings: state.config.unsafeSettings() }
  return Effect.forEach(
    own,
    (one) =>
      one.setup === undefined
        ? Effect.void
        : Scope.extend(runInside(state, plugin, () => one.setup!(context)), scope),
    { discard: true }
  )
}

/** Takes a plugin out of the client. Later events do not reach it. */
const take = (state: State, name: string, plugin?: Plugin): Added | AddedDestination | undefined => {
  const one = state.added.get(name)
  if (one === undefined || (plugin !== undefined && one.plugin !== plugin)) return undefined
  state.added.delete(name)
  sort(state)
  return one
}

/**
 * Removes a plugin, and tears it down in a fiber of its own, so that it always ends. If the caller is interrupted, the
 * waiting events of a destination are dropped. A call from inside a destination does not wait for the end of this
 * destination, which waits for the call.
 */
const remove = (state: State, name: string, plugin?: Plugin): Effect.Effect<boolean> =>
  Effect.uninterruptible(Effect.suspend(() => {
    const one = take(state, name, plugin)
    if (one === undefined) return Effect.succeed(false)
    const givenUp = Effect.unsafeMakeLatch(false)
    const end = state.reports.outside(tearDown(state, one, givenUp.await, Effect.never))
    return Effect.flatMap(Effect.forkDaemon(Effect.interruptible(end)), (ending) => {
      state.endings.add(ending)
      ending.addObserver(() => state.endings.delete(ending))
      return Effect.flatMap(FiberRef.get(insidePlugins), (inside) =>
        Effect.as(
          isDestination(one) && ownPlugins(one.plugin).some((plugin) => inside.includes(plugin))
            ? Effect.void
            : Effect.onInterrupt(interruptibleWait(Fiber.await(ending)), () => givenUp.open),
          true
        ))
    })
  }))

const removeUntil = (state: State, name: string, timeUp: Effect.Effect<void>): Effect.Effect<void> =>
  Effect.suspend(() => {
    const one = take(state, name)
    return one === undefined ? Effect.void : tearDown(state, one, timeUp, timeUp)
  })

/** A plugin, and the own plugins of a destination, in the order of their teardown. */
const ownPlugins = (plugin: Plugin): ReadonlyArray<Plugin> =>
  plugin._tag === "Destination" ? [plugin, ...(plugin.plugins ?? [])] : [plugin]

/** Drops the events that a destination has not executed. */
const abandon = ({ log }: State, { events, plugin: { name } }: AddedDestination): Effect.Effect<void> =>
  Effect.suspend(() => {
    const count = events.unfinished()
    if (count > 0) {
      log.write({
        level: LogLevel.Warning,
        module: "plugins",
        message: `plugin ${name}: ended before it had executed ${counted(count, "event")}`,
        annotations: { plugin: name }
      })
    }
    return Effect.asVoid(events.abandon)
  })

/**
 * Tears a plugin down. A destination first executes its waiting events, until `givenUp`. Nothing is waited for after
 * `timeUp`.
 */
const tearDown = (
  state: State,
  one: Added | AddedDestination,
  givenUp: Effect.Effect<void>,
  timeUp: Effect.Effect<void>
): Effect.Effect<void> => {
  const { plugin, scope } = one
  return (isDestination(one) ? Effect.zipRight(until(givenUp, drain(state, one)), abandon(state, one)) : Effect.void)
    .pipe(
      Effect.zipRight(Effect.forEach(
        ownPlugins(plugin),
        ({ teardown }) =>
          teardown === undefined ? Effect.void : until(timeUp, logged(state, plugin, "teardown", () => teardown)),
        { discard: true }
      )),
      Effect.zipRight(
        until(timeUp, logged(state, plugin, "the end of its scope", () => Scope.close(scope, Exit.void)))
      )
    )
}

/** Runs an effect until `timeUp`. An effect that waits for nothing completes even when the time is up already. */
const until = (timeUp: Effect.Effect<void>, effect: Effect.Effect<unknown>): Effect.Effect<void> =>
  Effect.flatMap(Effect.forkDaemon(Effect.interruptible(effect)), (fiber) =>
    Effect.yieldNow().pipe(
      Effect.zipRight(Effect.yieldNow()),
      Effect.zipRight(Effect.raceFirst(Fiber.await(fiber), Effect.interruptible(timeUp))),
      Effect.zipRight(Fiber.interruptFork(fiber))
    ))

// -- destinations ------------------------------------------------------------------------------------------------------

const execute = (state: State, plugin: Destination, { inside, json }: Dispatched): Effect.Effect<void> =>
  Effect.flatMap(
    Effect.suspend(() => apply(state, fromJson(json), without(plugin.plugins ?? [], inside))),
    (applied) =>
      applied._tag === "Dropped"
        ? Effect.void
        : logged(state, plugin, "execute", () => plugin.execute(applied.event))
  )

/** Waits until a destination has executed its events. A call from a plugin or a callback does not wait. */
const drained = (state: State, { events }: AddedDestination): Effect.Effect<void> =>
  Effect.flatMap(state.reports.isInside, (inside) => inside ? Effect.void : events.drained)

/** Flushes a destination after its events. Without a `flush`, a destination that suspends is not waited for. */
const flush = (state: State, one: AddedDestination): Effect.Effect<void> => {
  const { plugin } = one
  const { flush } = plugin
  return flush === undefined
    ? one.events.whileProgress
    : Effect.zipRight(drained(state, one), logged(state, plugin, "flush", () => flush))
}

/** Flushes a destination that is removed. It is waited for even if it has no `flush`. */
const drain = (state: State, one: AddedDestination): Effect.Effect<void> =>
  Effect.zipRight(drained(state, one), flush(state, one))

// -- the plugins of a client's options ---------------------------------------------------------------------------------

const isPlugins = (input: unknown): input is ReadonlyArray<Plugin> =>
  Array.isArray(input) &&
  input.every((plugin) => Predicate.isRecord(plugin) && Predicate.isString(plugin.name)) &&
  new Set(input.map(({ name }: Plugin) => name)).size === input.length

/** Splits the options of a client into its plugins and its settings. */
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

/** Adds the plugins of the options. */
export const addAll = (
  client: Amplitude.Client,
  plugins: ReadonlyArray<Plugin>
): Effect.Effect<void, InvalidConfig> =>
  Effect.mapError(
    Effect.forEach(plugins, client.add, { discard: true }),
    ({ message }) => new InvalidConfig({ option: "plugins", expected: "plugins that can be added", actual: message })
  )
