import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Exit, Fiber, Layer, Option, Scope, TestClock } from "effect"
import type { DeliveryReport, InvalidConfig } from "effect-amplitude"
import {
  Amplitude,
  AmplitudeConfig,
  AmplitudeLogger,
  AmplitudeTest,
  Event,
  EventStorage,
  Plugin,
  Recorder,
  Transport
} from "effect-amplitude"
import { scenario, trackMany, typesOf } from "./support/scripted.js"

const click = { event_type: "Button Clicked", user_id: "user-12345", event_properties: { email: "a@b.c" } }

const rename = (suffix: string) => (event: Event) =>
  Effect.succeed(new Event({ ...event, event_type: event.event_type + suffix }))

const outcomes = (reports: ReadonlyArray<DeliveryReport.DeliveryReport>) =>
  reports.map((report) => report._tag === "Dropped" ? report.reason : "Delivered")

describe("before and enrichment", () => {
  it.effect("run in the order in which they were added, before ones without and enrichment ones with context", () =>
    Effect.gen(function*() {
      const seen: Array<readonly [string, boolean]> = []
      const look = (name: string) => (event: Event) => {
        seen.push([name, event.insert_id !== undefined])
        return rename(name)(event)
      }
      yield* Amplitude.add(Plugin.enrichment("e1", look("e1")))
      yield* Amplitude.add(Plugin.before("b1", look("b1")))
      yield* Amplitude.add(Plugin.before("b2", look("b2")))
      yield* Amplitude.add(Plugin.enrichment("e2", look("e2")))
      yield* Amplitude.track(click)
      assert.deepStrictEqual(seen, [["b1", false], ["b2", false], ["e1", true], ["e2", true]])
      assert.deepStrictEqual(typesOf(yield* Recorder.events), ["Button Clickedb1b2e1e2"])
    }).pipe(Effect.provide(AmplitudeTest)))

  it.effect("get an event with its defaults, and may give back an Option or a plain object", () =>
    Effect.gen(function*() {
      yield* Amplitude.add(Plugin.before("plain", (event) => Effect.succeed({ ...event, city: "Berlin" })))
      yield* Amplitude.add(Plugin.before("some", (event) => Effect.succeedSome(event)))
      yield* Amplitude.track(click).pipe(Amplitude.withEventOptions({ country: "DE" }))
      const [event] = yield* Recorder.events
      assert.deepInclude({ ...event }, { city: "Berlin", country: "DE", library: "effect-amplitude/0.1.0" })
      assert.instanceOf(event, Event)
    }).pipe(Effect.provide(AmplitudeTest)))

  it.effect("are those that are there when the event is tracked, whatever is added or removed while one of them runs", () =>
    Effect.gen(function*() {
      const goOn = yield* Deferred.make<void>()
      yield* Amplitude.add(Plugin.before("waits", (event) => Effect.as(Deferred.await(goOn), event)))
      yield* Amplitude.add(Plugin.enrichment("there", rename("-there")))
      const fiber = yield* Effect.fork(Amplitude.track(click))
      yield* Effect.yieldNow()
      yield* Amplitude.add(Plugin.enrichment("later", rename("-later")))
      yield* Amplitude.remove("there")
      yield* Deferred.succeed(goOn, undefined)
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(typesOf(yield* Recorder.events), ["Button Clicked-there"])
    }).pipe(Effect.provide(AmplitudeTest)))

  it.effect("drop an event with Option.none, reason Plugin", () =>
    Effect.gen(function*() {
      yield* Amplitude.add(Plugin.before("none", () => Effect.succeed(Option.none())))
      yield* Amplitude.track(click)
      yield* Effect.flatMap(Amplitude, (client) => client.trackOrFail(click))
      const error = yield* Effect.flip(Amplitude.trackAndWait(click))
      assert.isTrue(error._tag === "DeliveryError" && error.reason === "Plugin")
      assert.deepStrictEqual(outcomes(yield* Recorder.reports), ["Plugin", "Plugin", "Plugin"])
      assert.deepStrictEqual(yield* Recorder.events, [])
    }).pipe(Effect.provide(AmplitudeTest)))

  it.effect("enrichment can complete an event that has no field, and gives back one that has none", () =>
    Effect.gen(function*() {
      const client = yield* Amplitude
      yield* Amplitude.add(
        Plugin.enrichment(
          "completes",
          (event) => Effect.succeed({ ...event, event_type: "type", user_id: "user-12345" })
        )
      )
      yield* client.trackOrFail({} as Event.Input)
      assert.strictEqual((yield* Recorder.events)[0]?.event_type, "type")
      yield* Amplitude.remove("completes")
      yield* Amplitude.add(Plugin.before("empties", () => Effect.succeed({} as Event)))
      yield* Amplitude.add(Plugin.enrichment("nothing", Effect.succeed))
      const error = yield* Effect.flip(client.trackOrFail(click))
      assert.isTrue(error._tag === "InvalidEvent" && error.field === "event_type")
    }).pipe(Effect.provide(Recorder.layer({ lenient: true }))))

  it.effect("a destination's own plugins run in its fiber, one event after the other", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const own = Plugin.before("own", (event) => {
        seen.push(`own ${event.event_type}`)
        return Effect.succeed(event)
      })
      yield* Amplitude.add(
        Plugin.destination({
          name: "elsewhere",
          plugins: [own],
          execute: (event) => Effect.sync(() => void seen.push(`sent ${event.event_type}`)),
          flush: Effect.void
        })
      )
      yield* Amplitude.track({ ...click, event_type: "A" })
      assert.deepStrictEqual(seen, [])
      yield* Amplitude.track({ ...click, event_type: "B" })
      yield* Amplitude.flush
      assert.deepStrictEqual(seen, ["own A", "sent A", "own B", "sent B"])
    }).pipe(Effect.provide(AmplitudeTest)))

  for (
    const [how, execute] of [
      ["gives back a revoked proxy", () => {
        const { proxy, revoke } = Proxy.revocable({}, {})
        revoke()
        return Effect.succeed(proxy as Event)
      }],
      ["fails", () => Effect.fail("no")],
      ["fails with what cannot be read", () =>
        Effect.fail(Object.defineProperty({}, "message", {
          enumerable: true,
          get: () => {
            throw new Error("no")
          }
        }))],
      ["dies", () => Effect.die("no")],
      ["throws", () => {
        throw new Error("no")
      }],
      ["interrupts itself", () => Effect.interrupt]
    ] as ReadonlyArray<readonly [string, Plugin.Transform]>
  ) {
    it.effect(`one that ${how} drops the event, and nothing else is harmed`, () =>
      Effect.gen(function*() {
        yield* Amplitude.add(Plugin.before("faulty", execute))
        yield* Amplitude.track(click)
        yield* Amplitude.remove("faulty")
        yield* Amplitude.add(Plugin.enrichment("faulty", execute))
        yield* Amplitude.track(click)
        yield* Amplitude.remove("faulty")
        yield* Amplitude.track(click)
        assert.deepStrictEqual(outcomes(yield* Recorder.reports), ["Plugin", "Plugin"])
        assert.strictEqual((yield* Recorder.events).length, 1)
      }).pipe(Effect.provide(AmplitudeTest)))
  }

  it.effect("what they make of an event is validated", () =>
    Effect.gen(function*() {
      yield* Amplitude.add(
        Plugin.enrichment("spoil", (event) => Effect.succeed({ ...event, user_id: "anonymous" }))
      )
      const error = yield* Effect.flip(Amplitude.trackOrFail(click))
      assert.isTrue(error._tag === "InvalidEvent" && error.field === "user_id")
      yield* Amplitude.track(click)
      assert.deepStrictEqual(outcomes(yield* Recorder.reports), ["Invalid"])
    }).pipe(Effect.provide(Recorder.layer({ lenient: true }))))

  it.effect("what a plugin tracks does not pass through it again", () =>
    Effect.gen(function*() {
      const client = yield* Amplitude
      yield* Amplitude.add(
        Plugin.before("echo", (event) => Effect.as(client.track({ ...click, event_type: "echo" }), event))
      )
      yield* Amplitude.add(Plugin.before("other", rename("!")))
      yield* Amplitude.track(click)
      assert.deepStrictEqual(typesOf(yield* Recorder.events), ["echo!", "Button Clicked!"])
    }).pipe(Effect.provide(AmplitudeTest)))

  it.effect("an interrupted caller has not made the call", () =>
    Effect.gen(function*() {
      yield* Amplitude.add(Plugin.before("hangs", () => Effect.never))
      const fiber = yield* Effect.fork(Amplitude.track(click))
      yield* TestClock.adjust(0)
      yield* Fiber.interrupt(fiber)
      yield* Amplitude.flush
      assert.deepStrictEqual(yield* Recorder.reports, [])
    }).pipe(Effect.provide(AmplitudeTest)))
})

describe("destinations", () => {
  const collector = (name = "collector") => {
    const got: Array<Event> = []
    return { got, plugin: Plugin.destination({ name, execute: (event) => Effect.sync(() => got.push(event)) }) }
  }

  it.effect("get a copy of each accepted event, in order, through plugins of their own", () =>
    Effect.gen(function*() {
      const got: Array<string> = []
      yield* Amplitude.add(Plugin.destination({
        name: "own",
        execute: (event) => Effect.sync(() => got.push(event.event_type)),
        plugins: [
          Plugin.before("drop", (event) => Effect.succeed(event.event_type === "2" ? Option.none() : event)),
          Plugin.enrichment("rename", rename("?"))
        ]
      }))
      yield* trackMany(yield* Amplitude, 3)
      yield* Amplitude.flush
      assert.deepStrictEqual(got, ["1?", "3?"])
      assert.deepStrictEqual(typesOf(yield* Recorder.events), ["1", "2", "3"])
      assert.strictEqual((yield* Recorder.reports).length, 3)
    }).pipe(Effect.provide(AmplitudeTest)))

  it.effect("that are slow, fail or die disturb nobody", () =>
    Effect.gen(function*() {
      const { got, plugin } = collector()
      yield* Amplitude.add(Plugin.destination({ name: "hangs", execute: () => Effect.never }))
      yield* Amplitude.add(Plugin.destination({ name: "dies", execute: () => Effect.die("no") }))
      yield* Amplitude.add(Plugin.destination({
        name: "throws",
        execute: () => {
          throw new Error("no")
        }
      }))
      yield* Amplitude.add(plugin)
      yield* Amplitude.track(click)
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(outcomes(yield* Recorder.reports), ["Delivered"])
      assert.deepStrictEqual(typesOf(got), ["Button Clicked"])
      assert.notStrictEqual(got[0], (yield* Recorder.events)[0])
    }).pipe(Effect.provide(Recorder.layer({ shutdownTimeout: 0 }))))

  it.scoped("R17: that fail are lines in the log, their flush and their teardown too", () =>
    Effect.gen(function*() {
      const { client, lines } = yield* scenario(() => 200)
      yield* client.add(Plugin.destination({
        name: "bad",
        execute: () => Effect.fail("no"),
        flush: Effect.die("no"),
        teardown: Effect.fail("no")
      }))
      yield* trackMany(client, 2)
      yield* client.flush
      yield* client.remove("bad")
      assert.deepStrictEqual(lines.filter((line) => line.startsWith("WARN")), [
        "WARN plugin bad: execute failed (once)",
        "WARN plugin bad: flush failed (once)",
        "WARN plugin bad: teardown failed (once)"
      ])
    }))

  it.scoped("R4: get no event that was not accepted", () =>
    Effect.gen(function*() {
      const { got, plugin } = collector()
      const { client, reports } = yield* scenario(() => 200, { bufferCapacity: 1, overflow: "fail" })
      yield* client.add(plugin)
      yield* trackMany(client, 2)
      yield* client.track({ event_type: "" })
      yield* client.setOptOut(true)
      yield* trackMany(client, 1)
      yield* client.flush
      assert.deepStrictEqual(typesOf(got), ["1"])
      assert.deepStrictEqual(outcomes(reports), ["BufferFull", "Invalid", "OptedOut", "Delivered"])
    }))

  it.effect("do not get what they track themselves", () =>
    Effect.gen(function*() {
      const client = yield* Amplitude
      let executed = 0
      yield* Amplitude.add(Plugin.destination({
        name: "echo",
        execute: () => Effect.zipRight(Effect.sync(() => executed++), client.track({ ...click, event_type: "echo" }))
      }))
      yield* Amplitude.track(click)
      yield* Amplitude.flush
      assert.strictEqual(executed, 1)
      assert.deepStrictEqual(typesOf(yield* Recorder.events), ["Button Clicked", "echo"])
    }).pipe(Effect.provide(AmplitudeTest)))
})

describe("the life of a plugin", () => {
  const living = (name: string, lines: Array<string>) =>
    Plugin.destination({
      name,
      execute: ({ event_type }) => Effect.sync(() => lines.push(`${name} executes ${event_type}`)),
      flush: Effect.sync(() => lines.push(`${name} flushes`)),
      setup: ({ settings }) =>
        Effect.asVoid(Effect.acquireRelease(
          Effect.sync(() => lines.push(`${name} is set up for ${settings.serverZone}`)),
          () => Effect.sync(() => lines.push(`${name} has ended`))
        )),
      teardown: Effect.sync(() => lines.push(`${name} is torn down`))
    })

  it.effect("setup, flush, teardown, end of the scope", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      yield* Amplitude.add(living("one", lines))
      yield* Amplitude.track(click)
      yield* Amplitude.flush
      assert.isTrue(yield* Amplitude.remove("one"))
      assert.isFalse(yield* Amplitude.remove("one"))
      yield* Amplitude.track(click)
      yield* Amplitude.flush
      assert.deepStrictEqual(lines, [
        "one is set up for US",
        "one executes Button Clicked",
        "one flushes",
        "one flushes",
        "one is torn down",
        "one has ended"
      ])
    }).pipe(Effect.provide(AmplitudeTest)))

  it.effect("those of the settings live as long as the client, those of Plugin.layer as long as the layer", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      yield* Effect.scoped(Effect.gen(function*() {
        const { client } = yield* scenario(() => 200, { plugins: [living("of settings", lines)] })
        const layer = Plugin.layer(Effect.succeed(living("of layer", lines)))
        yield* Effect.zipRight(client.track(click), client.flush).pipe(
          Effect.provide(Layer.provideMerge(layer, Layer.succeed(Amplitude, client)))
        )
        lines.push("--")
      }))
      assert.deepStrictEqual(lines.filter((line) => !line.includes("flushes") && !line.includes("set up")).toSorted(), [
        "--",
        "of layer executes Button Clicked",
        "of layer has ended",
        "of layer is torn down",
        "of settings executes Button Clicked",
        "of settings has ended",
        "of settings is torn down"
      ])
      assert.isBelow(lines.indexOf("of layer has ended"), lines.indexOf("--"))
      assert.isAbove(lines.indexOf("of settings is torn down"), lines.indexOf("--"))
    }))

  for (
    const [name, layer] of [
      ["Amplitude.layer", Amplitude.layer({ apiKey: "a-key", serverUrl: "http://127.0.0.1:9/", shutdownTimeout: 0 })],
      ["Recorder.layer", Layer.map(Recorder.layer(), (context) => context)]
    ] as ReadonlyArray<readonly [string, Layer.Layer<Amplitude, InvalidConfig>]>
  ) {
    it.effect(`Plugin.layer over ${name} adds to the one client that there is`, () =>
      Effect.gen(function*() {
        let seen = 0
        const plugin = Plugin.before("seeing", (event) => {
          seen++
          return Effect.succeed(event)
        })
        yield* Effect.provide(Amplitude.track(click), Layer.provideMerge(Plugin.layer(plugin), layer))
        assert.strictEqual(seen, 1)
      }))
  }

  it.effect("Plugin.layer over Amplitude.layerServices adds to the one client that there is", () =>
    Effect.gen(function*() {
      let seen = 0
      const plugin = Plugin.before("seeing", (event) => {
        seen++
        return Effect.succeed(event)
      })
      const layer = Plugin.layer(plugin).pipe(
        Layer.provideMerge(Amplitude.layerServices),
        Layer.provide([
          EventStorage.layerMemory,
          AmplitudeLogger.layerNone,
          AmplitudeConfig.layer({ apiKey: "a-key" }),
          Layer.succeed(Transport, { send: () => Effect.succeed({ status: 200, headers: {}, body: "" }) })
        ])
      )
      yield* Effect.provide(Amplitude.track(click), layer)
      assert.strictEqual(seen, 1)
    }))

  it.effect("a taken name, a blank one and a setup that fails are PluginErrors that name the plugin", () =>
    Effect.gen(function*() {
      const nothing = (event: Event) => Effect.succeed(event)
      yield* Amplitude.add(Plugin.before("taken", nothing))
      const faults = [
        Plugin.enrichment("taken", nothing),
        Plugin.before(" ", nothing),
        Plugin.before("fails", nothing, { setup: () => Effect.fail("no") }),
        Plugin.before("dies", nothing, { setup: () => Effect.die("no") })
      ]
      for (const plugin of faults) {
        const error = yield* Effect.flip(Amplitude.add(plugin))
        assert.strictEqual(error._tag, "PluginError")
        assert.include(error.message, plugin.name)
      }
      yield* Amplitude.add(Plugin.before("fails", nothing))
    }).pipe(Effect.provide(AmplitudeTest)))

  for (
    const [what, plugin, expected] of [
      ["without a _tag", { name: "odd", execute: Effect.succeed }, "Plugin.before"],
      ["with an unknown _tag", { _tag: "before", name: "odd", execute: Effect.succeed }, "Plugin.before"],
      ["with plugins that are no array", { plugins: 5 }, "an array"],
      ["with a single plugin for plugins", { plugins: Plugin.before("own", Effect.succeed) }, "an array"],
      ["with a destination as own plugin", {
        plugins: [Plugin.destination({ name: "own", execute: () => Effect.void })]
      }, "Plugin.before and Plugin.enrichment"],
      ["with an own plugin without execute", { plugins: [{ _tag: "Before", name: "own" }] }, "Plugin.before"]
    ] as ReadonlyArray<readonly [string, object, string]>
  ) {
    it.effect(`a plugin ${what} is a PluginError, or InvalidConfig, that says what was expected`, () =>
      Effect.gen(function*() {
        const odd = {
          ...Plugin.destination({ name: "odd", execute: () => Effect.void }),
          ...plugin,
          ..."plugins" in plugin ? {} : { _tag: (plugin as Partial<Plugin.Plugin>)._tag }
        } as Plugin.Plugin
        const error = yield* Effect.flip(Amplitude.add(odd))
        assert.strictEqual(error._tag, "PluginError")
        assert.include(error.message, "plugin odd: expected")
        assert.include(error.message, expected)
        const ofBuild = yield* Effect.flip(Effect.scoped(Amplitude.make({ apiKey: "a-key", plugins: [odd] })))
        assert.strictEqual(ofBuild.option, "plugins")
        assert.include(ofBuild.message, expected)
      }).pipe(Effect.provide(AmplitudeTest)))
  }

  it.effect("a plugin of the settings that cannot be set up fails the build", () =>
    Effect.gen(function*() {
      const plugins = [Plugin.before("fails", (event) => Effect.succeed(event), { setup: () => Effect.fail("no") })]
      const error = yield* Effect.flip(Effect.scoped(Amplitude.make({ apiKey: "a-key", plugins })))
      assert.strictEqual(error.option, "plugins")
      assert.include(error.message, "fails")
    }))

  it.effect("a teardown that hangs holds the end up no longer than shutdownTimeout", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      yield* Scope.extend(
        scenario(() => 200, {
          plugins: [Plugin.destination({ name: "hangs", execute: () => Effect.void, teardown: Effect.never })]
        }),
        scope
      )
      const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(closing)
    }))

  /** A destination that never executes an event to its end. */
  const hanging = (lines: Array<string>) =>
    Plugin.destination({ ...living("hangs", lines), execute: () => Effect.never })

  it.effect("a removal that is given up ends all the same, its teardown and its scope included", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      yield* Effect.scoped(Effect.gen(function*() {
        const { client } = yield* scenario(() => 200)
        yield* client.add(hanging(lines))
        yield* client.track(click)
        const removing = yield* Effect.fork(client.remove("hangs"))
        yield* TestClock.adjust(0)
        assert.deepStrictEqual(lines, ["hangs is set up for US"])
        yield* Fiber.interrupt(removing)
      }))
      assert.deepStrictEqual(lines, ["hangs is set up for US", "hangs is torn down", "hangs has ended"])
    }))

  it.effect("a removal that is given up, and a shutdown, log how many events were not executed", () =>
    Effect.gen(function*() {
      const { client, lines: logged } = yield* scenario(() => 200, { shutdownTimeout: "1 second" })
      yield* client.add(hanging([]))
      yield* trackMany(client, 3)
      const removing = yield* Effect.fork(client.remove("hangs"))
      yield* TestClock.adjust(0)
      yield* Fiber.interrupt(removing)
      yield* client.add(Plugin.destination({ name: "slow", execute: () => Effect.sleep("1 minute") }))
      yield* client.add(Plugin.destination({ name: "fast", execute: () => Effect.void }))
      yield* trackMany(client, 1)
      const closing = yield* Effect.fork(client.shutdown)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(closing)
      assert.deepStrictEqual(logged.filter((line) => line.startsWith("WARN")), [
        "WARN plugin hangs: ended before it had executed 3 events",
        "WARN plugin slow: ended before it had executed 1 event"
      ])
    }).pipe(Effect.scoped))

  it.scoped("Plugin.layer removes the plugin that it has added, and not another one that has its name now", () =>
    Effect.gen(function*() {
      const { client, reports } = yield* scenario(() => 200)
      const scope = yield* Scope.make()
      const nothing = (event: Event) => Effect.succeed(event)
      yield* Layer.buildWithScope(
        Layer.provide(Plugin.layer(Plugin.before("redact", nothing)), Layer.succeed(Amplitude, client)),
        scope
      )
      yield* client.remove("redact")
      const other = Plugin.before("redact", () => Effect.succeedNone)
      yield* client.add(other)
      yield* Scope.close(scope, Exit.void)
      yield* client.track(click)
      yield* client.flush
      assert.deepStrictEqual(outcomes(reports), ["Plugin"])
      assert.isTrue(yield* client.remove("redact", other))
    }))

  it.effect("Plugin.layer closes within shutdownTimeout, whatever its destination does", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const { client } = yield* scenario(() => 200)
      const layer = Layer.provideMerge(Plugin.layer(hanging(lines)), Layer.succeed(Amplitude, client))
      const closing = yield* Effect.fork(Effect.provide(client.track(click), layer))
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(closing)
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(lines, ["hangs is set up for US", "hangs is torn down", "hangs has ended"])
    }).pipe(Effect.scoped))

  it.scoped("a destination that removes itself executes its event to the end, and ends", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const { client } = yield* scenario(() => 200)
      yield* client.add(Plugin.destination({
        ...living("once", lines),
        execute: () =>
          Effect.flatMap(client.remove("once"), (removed) => Effect.sync(() => lines.push(`removed: ${removed}`)))
      }))
      yield* client.track(click)
      yield* client.track(click)
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(lines, [
        "once is set up for US",
        "removed: true",
        "removed: false",
        "once flushes",
        "once is torn down",
        "once has ended"
      ])
    }))
})

describe("live settings", () => {
  it.scoped("what shapes an event acts from the next call, what shapes a request from the next request", () =>
    Effect.gen(function*() {
      const { client, requests } = yield* scenario(() => 200)
      yield* client.track(click)
      yield* client.updateConfig({ eventOptions: { city: "Berlin" }, serverZone: "EU", minIdLength: 3 })
      yield* client.track(click)
      yield* client.flush
      assert.deepStrictEqual(requests.map(({ events, url }) => [url, events.map(({ city }) => city)]), [
        ["https://api.eu.amplitude.com/2/httpapi", [undefined, "Berlin"]]
      ])
      assert.include(requests[0]?.body, "\"options\":{\"min_id_length\":3}")
      yield* client.updateConfig({ eventOptions: undefined, serverUrl: "http://localhost/x?y=1" })
      yield* client.track(click)
      yield* client.flush
      assert.deepStrictEqual([requests[1]?.url, requests[1]?.events[0]?.city], ["http://localhost/x?y=1", undefined])
    }))

  it.scoped("an invalid patch is refused whole", () =>
    Effect.gen(function*() {
      const { client } = yield* scenario(() => 200)
      const before = yield* client.config
      const error = yield* Effect.flip(client.updateConfig({ flushQueueSize: 7, serverZone: "eu" as "EU" }))
      assert.strictEqual(error.option, "serverZone")
      assert.deepStrictEqual(yield* client.config, before)
    }))

  it.scoped("deliver: false needs a shared storage, and the patch is refused whole", () =>
    Effect.gen(function*() {
      const { client } = yield* scenario(() => 200)
      const before = yield* client.config
      const error = yield* Effect.flip(client.updateConfig({ flushQueueSize: 7, deliver: false }))
      assert.strictEqual(error.option, "deliver")
      assert.deepStrictEqual(yield* client.config, before)
    }))

  it.scoped("a smaller flushQueueSize sends what waits, a shorter flushInterval too", () =>
    Effect.gen(function*() {
      const { client, requests } = yield* scenario(() => 200)
      yield* trackMany(client, 3)
      yield* TestClock.adjust(0)
      yield* client.updateConfig({ flushQueueSize: 2 })
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(requests.map(({ events }) => events.length), [2])
      yield* client.updateConfig({ flushInterval: "1 second" })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(requests.map(({ events }) => events.length), [2, 1])
    }))

  it.scoped("a lower bufferCapacity drops the excess by the policy", () =>
    Effect.gen(function*() {
      for (const overflow of ["dropOldest", "dropNewest", "suspend", "fail"] as const) {
        const { client, reports } = yield* scenario(() => 200, { overflow })
        yield* trackMany(client, 5)
        yield* client.updateConfig({ bufferCapacity: 2 })
        yield* client.flush
        const dropped = reports.filter(({ _tag }) => _tag === "Dropped").map(({ event }) => event.event_type)
        assert.deepStrictEqual(
          dropped,
          overflow === "dropOldest" ? ["1", "2", "3"] : overflow === "dropNewest" ? ["5", "4", "3"] : []
        )
        assert.strictEqual(reports.length, 5)
      }
    }))

  it.scoped("only a lower bufferCapacity or another policy drops events, and no change after shutdown", () =>
    Effect.gen(function*() {
      const kept: Array<number> = []
      const counting = Effect.map(EventStorage, (storage): EventStorage.Service => ({
        ...storage,
        evict: (options) => Effect.zipRight(Effect.sync(() => kept.push(options.keep)), storage.evict(options))
      }))
      const context = yield* Layer.build(Amplitude.layerServices.pipe(
        Layer.provide([
          Layer.provide(Layer.effect(EventStorage, counting), EventStorage.layerMemory),
          Layer.succeed(Transport, { send: () => Effect.succeed({ status: 200, headers: {}, body: "" }) }),
          AmplitudeLogger.layerNone
        ]),
        Layer.provide(AmplitudeConfig.layer({ apiKey: "a-key", bufferCapacity: 10 }))
      ))
      const client = Context.get(context, Amplitude)
      yield* client.updateConfig({ flushInterval: "1 second" })
      yield* client.updateConfig({ bufferCapacity: 20 })
      assert.deepStrictEqual(kept, [])
      yield* client.updateConfig({ bufferCapacity: 5 })
      yield* client.updateConfig({ overflow: "dropNewest" })
      assert.deepStrictEqual(kept, [5, 5])
      yield* client.shutdown
      yield* client.updateConfig({ bufferCapacity: 1 })
      assert.deepStrictEqual(kept, [5, 5])
    }))

  it.scoped("a change can be interrupted while the storage drops events: it is applied, and the events are reported", () =>
    Effect.gen(function*() {
      const mayAnswer = yield* Deferred.make<void>()
      const reports: Array<DeliveryReport.DeliveryReport> = []
      const slow = Effect.map(EventStorage, (storage): EventStorage.Service => ({
        ...storage,
        evict: (options) => Effect.zipLeft(storage.evict(options), Deferred.await(mayAnswer))
      }))
      const context = yield* Layer.build(Amplitude.layerServices.pipe(
        Layer.provide([
          Layer.provide(Layer.effect(EventStorage, slow), EventStorage.layerMemory),
          Layer.succeed(Transport, { send: () => Effect.succeed({ status: 200, headers: {}, body: "" }) }),
          AmplitudeLogger.layerNone
        ]),
        Layer.provide(
          AmplitudeConfig.layer({ apiKey: "a-key", callback: (report) => Effect.sync(() => reports.push(report)) })
        )
      ))
      const client = Context.get(context, Amplitude)
      yield* trackMany(client, 3)
      const updating = yield* Effect.fork(client.updateConfig({ bufferCapacity: 1 }))
      yield* TestClock.adjust("1 hour")
      assert.isNull(updating.unsafePoll())
      yield* Fiber.interrupt(updating)
      assert.strictEqual((yield* client.config).bufferCapacity, 1)
      yield* Deferred.succeed(mayAnswer, undefined)
      yield* client.flush
      assert.sameMembers(outcomes(reports), ["BufferFull", "BufferFull", "Delivered"])
    }))

  it.scoped("opting out drops what comes, and sends what was accepted before", () =>
    Effect.gen(function*() {
      const { client, reports } = yield* scenario(() => 200)
      yield* client.track(click)
      yield* client.setOptOut(true)
      yield* client.track(click)
      yield* client.setOptOut(false)
      yield* client.track(click)
      yield* client.flush
      assert.deepStrictEqual(outcomes(reports), ["OptedOut", "Delivered", "Delivered"])
    }))
})

describe("flush and destinations", () => {
  it.scoped("waits for a slow one that has a flush", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const { client } = yield* scenario(() => 200, {
        plugins: [Plugin.destination({ name: "slow", execute: () => Deferred.await(gate), flush: Effect.void })]
      })
      yield* client.track(click)
      const flush = yield* Effect.fork(client.flush)
      yield* TestClock.adjust(0)
      assert.strictEqual((yield* Fiber.poll(flush))._tag, "None")
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(flush)
    }))

  it.scoped("is not held up by one that hangs and has none", () =>
    Effect.gen(function*() {
      const { client, reports } = yield* scenario(() => 200, {
        plugins: [Plugin.destination({ name: "hangs", execute: () => Effect.never })],
        shutdownTimeout: 0
      })
      yield* client.track(click)
      yield* client.flush
      assert.deepStrictEqual(outcomes(reports), ["Delivered"])
    }))

  it.scoped("a flush inside a destination's flush does not call it again", () =>
    Effect.gen(function*() {
      const { client } = yield* scenario(() => 200)
      let flushes = 0
      yield* client.add(Plugin.destination({
        name: "eager",
        execute: () => Effect.void,
        flush: Effect.suspend(() => {
          flushes++
          return client.flush
        })
      }))
      yield* client.track(click)
      yield* client.flush
      assert.strictEqual(flushes, 1)
    }))

  it.scoped("what a destination's own plugin tracks does not pass through it again", () =>
    Effect.gen(function*() {
      const { client, reports } = yield* scenario(() => 200)
      const own = Plugin.enrichment("own", (event) => Effect.as(client.track({ ...click, event_type: "again" }), event))
      const got: Array<string> = []
      yield* client.add(Plugin.destination({
        name: "destination",
        execute: ({ event_type }) => Effect.sync(() => got.push(event_type)),
        plugins: [own]
      }))
      yield* client.track(click)
      yield* client.flush
      yield* client.flush
      assert.deepStrictEqual(got, ["Button Clicked", "again"])
      assert.strictEqual(reports.length, 2)
    }))
})
