import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, TestClock } from "effect"
import type { InvalidEvent } from "effect-amplitude"
import { Amplitude, AmplitudeTest, Event, Identify, Plugin, Recorder, TransportError } from "effect-amplitude"

const user = { user_id: "user-12345" }

const base = { event_type: "type", ...user }

const lenient = (options: Recorder.Options = {}) => Effect.provide(Recorder.layer({ lenient: true, ...options }))

const sent = Effect.map(
  Recorder.events,
  (events) => events.map((event) => JSON.parse(JSON.stringify(event)) as { readonly [field: string]: any })
)

const insertId = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`

const library = "effect-amplitude/0.1.0"

describe("R4: the order of defaults", () => {
  const options = {
    plan: { branch: "plan" },
    ingestionMetadata: { source_name: "metadata" },
    eventOptions: {
      user_id: "settings-user",
      ip: "settings",
      city: "settings",
      region: "settings",
      country: "settings"
    }
  }

  it.effect("own, inner, outer, eventOptions, field by field", () =>
    Effect.gen(function*() {
      yield* Amplitude.track({ event_type: "type", user_id: "own-user" }).pipe(
        Amplitude.withEventOptions({ user_id: "inner-user", ip: "inner" }),
        Amplitude.withEventOptions({ user_id: "outer-user", ip: "outer", city: "outer" })
      )
      const [event] = yield* sent
      assert.deepStrictEqual(event, {
        event_type: "type",
        user_id: "own-user",
        ip: "inner",
        city: "outer",
        region: "settings",
        country: "settings",
        plan: { branch: "plan" },
        ingestion_metadata: { source_name: "metadata" },
        time: 0,
        insert_id: insertId(1),
        library
      })
    }).pipe(lenient(options)))

  it.effect("plan and ingestion metadata are whole, and the last", () =>
    Effect.gen(function*() {
      yield* Amplitude.track({ event_type: "own", plan: { version: "own" }, ingestion_metadata: {} })
      yield* Amplitude.withEventOptions(Amplitude.track("local"), { plan: { version: "local" } })
      const [own, local] = yield* sent
      assert.deepStrictEqual(own?.plan, { version: "own" })
      assert.deepStrictEqual(own?.ingestion_metadata, {})
      assert.deepStrictEqual(local?.plan, { version: "local" })
      assert.deepStrictEqual(local?.ingestion_metadata, { source_name: "metadata" })
    }).pipe(lenient(options)))

  it.effect("undefined is not given", () =>
    Effect.gen(function*() {
      yield* Amplitude.track({ event_type: "type", user_id: undefined, ip: undefined }).pipe(
        Amplitude.withEventOptions({ ip: undefined, city: undefined }),
        Amplitude.withEventOptions({ ip: "outer" })
      )
      const [event] = yield* sent
      assert.strictEqual(event?.user_id, "settings-user")
      assert.strictEqual(event?.ip, "outer")
      assert.strictEqual(event?.city, "settings")
    }).pipe(lenient(options)))

  it.effect("insert_id and event_id are no defaults; options end with the effect, and reach forked fibers", () =>
    Effect.gen(function*() {
      const wild = { insert_id: "mine", event_id: 5, ip: "ip" } as object
      yield* Amplitude.withEventOptions(Effect.flatMap(Effect.fork(Amplitude.track("in")), Fiber.join), wild)
      yield* Amplitude.track("out")
      const [inside, outside] = yield* sent
      assert.strictEqual(inside?.insert_id, insertId(1))
      assert.notProperty(inside, "event_id")
      assert.strictEqual(inside?.ip, "ip")
      assert.strictEqual(outside?.ip, "settings")
    }).pipe(lenient(options)))

  it.effect("wrong local defaults are refused by name", () =>
    Effect.gen(function*() {
      const fault = (options: object) =>
        Effect.map(
          Effect.flip(Amplitude.withEventOptions(Amplitude.trackOrFail({ event_type: "type", ...user }), options)),
          (error) => (error as InvalidEvent).field
        )
      assert.strictEqual(yield* fault({ ip: 5 }), "ip")
      assert.strictEqual(yield* fault({ ip: null }), "ip")
      assert.strictEqual(yield* fault({ userId: "user-12345" }), "userId")
    }).pipe(lenient()))

  it.effect("both forms of track send the same", () =>
    Effect.gen(function*() {
      yield* Amplitude.track("type", { source: "a" }, { ...user, time: 1, insert_id: "id" })
      yield* Amplitude.track({
        event_type: "type",
        event_properties: { source: "a" },
        ...user,
        time: 1,
        insert_id: "id"
      })
      const [one, other] = yield* sent
      assert.deepStrictEqual(one, other)
    }).pipe(lenient()))
})

describe("R5: what was given is kept", () => {
  it.effect("time 0, insert_id, event_id", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust("1 hour")
      yield* Amplitude.track({ event_type: "type", ...user, time: 0, insert_id: "mine", event_id: 0 })
      yield* Amplitude.track({ event_type: "type", ...user })
      const [given, made] = yield* sent
      assert.deepStrictEqual(given, { event_type: "type", ...user, time: 0, insert_id: "mine", event_id: 0, library })
      assert.deepStrictEqual(made, { event_type: "type", ...user, time: 3_600_000, insert_id: insertId(1), library })
    }).pipe(lenient()))

  it.effect("one value, one effect, run twice: two ids, unless it has its own", () =>
    Effect.gen(function*() {
      const track = Amplitude.track({ event_type: "type", ...user })
      yield* track
      yield* track
      const own = Amplitude.track({ event_type: "type", ...user, insert_id: "mine" })
      yield* own
      yield* own
      assert.deepStrictEqual((yield* sent).map((event) => event.insert_id), [
        insertId(1),
        insertId(2),
        "mine",
        "mine"
      ])
    }).pipe(lenient()))

  it.effect("the library is always ours", () =>
    Effect.gen(function*() {
      yield* Amplitude.track({ event_type: "type", ...user, library: "other/1.0" })
      yield* Amplitude.withEventOptions(Amplitude.track("type", {}, user), { library: "other/1.0" })
      assert.deepStrictEqual((yield* sent).map((event) => event.library), [library, library])
    }).pipe(lenient({ eventOptions: { library: "other/1.0" } })))
})

it.effect("R6: the payload is fixed when the effect runs", () =>
  Effect.gen(function*() {
    const event = {
      event_type: "type",
      ...user,
      event_properties: { list: [{ name: "before" }], at: new Date(0) },
      groups: { type: ["before"] },
      plan: { branch: "before" }
    }
    const track = Amplitude.track(event)
    event.user_id = "user-99999"
    yield* track
    event.event_properties.list[0]!.name = "after"
    event.event_properties.list.push({ name: "more" })
    event.event_properties.at.setTime(5)
    event.groups.type.push("after")
    event.plan.branch = "after"
    yield* Amplitude.flush
    const [report] = yield* Recorder.reports
    for (const seen of [(yield* sent)[0], JSON.parse(JSON.stringify(report?.event)) as object]) {
      assert.deepStrictEqual(seen, {
        event_type: "type",
        user_id: "user-99999",
        event_properties: { list: [{ name: "before" }], at: "1970-01-01T00:00:00.000Z" },
        groups: { type: ["before"] },
        plan: { branch: "before" },
        time: 0,
        insert_id: insertId(1),
        library
      })
    }
  }).pipe(lenient()))

it.effect("R6: the payload of trackAll is fixed when the effect runs, also if plugins suspend", () =>
  Effect.gen(function*() {
    const events = ["first", "second"].map((name) => ({ ...base, event_properties: { name } }))
    const latch = yield* Effect.makeLatch(false)
    const slow = Plugin.before("slow", (event) => Effect.as(latch.await, event))
    yield* Effect.gen(function*() {
      const call = yield* Effect.fork(Amplitude.trackAll(events))
      yield* Effect.yieldNow()
      for (const { event_properties } of events) event_properties.name = "changed"
      yield* latch.open
      yield* Fiber.join(call)
      assert.deepStrictEqual((yield* sent).map((event) => event.event_properties.name), ["first", "second"])
    }).pipe(lenient({ plugins: [slow] }))
  }))

describe("R7: validation", () => {
  const long = "x".repeat(1025)
  const nested = (levels: number): unknown => levels === 0 ? 1 : { a: nested(levels - 1) }
  const cycle: Record<string, unknown> = {}
  cycle.self = cycle
  const getter = Object.defineProperty({}, "bad", { enumerable: true, get: () => assert.fail("bad") })
  const properties = (value: unknown) => ({ ...base, event_properties: { list: [0, { value }] } })
  const inProperties = [
    NaN,
    Infinity,
    1n,
    () => 1,
    Symbol("symbol"),
    new Date(NaN),
    new Map(),
    new Set(),
    new Uint8Array(1)
  ].map((value) => [properties(value), "event_properties.list[1].value"] as const)
  const faults: ReadonlyArray<readonly [unknown, string]> = [
    [undefined, "event"],
    [null, "event"],
    [5, "event"],
    [[], "event"],
    [{}, "event_type"],
    [user, "event_type"],
    [{ ...user, event_type: "" }, "event_type"],
    [{ ...user, event_type: " \t\n" }, "event_type"],
    [{ ...user, event_type: 5 }, "event_type"],
    [{ ...user, event_type: null }, "event_type"],
    [{ ...user, event_type: long }, "event_type"],
    [{ event_type: "type" }, "user_id"],
    [{ event_type: "$identify", user_properties: { $set: { a: 1 } } }, "user_id"],
    [{ ...base, user_id: "1234" }, "user_id"],
    [{ ...base, device_id: "1234" }, "device_id"],
    [{ ...base, user_id: long }, "user_id"],
    [{ ...base, device_id: long }, "device_id"],
    [{ ...base, insert_id: long }, "insert_id"],
    [{ ...base, user_id: 12345 }, "user_id"],
    [{ ...base, user_id: null }, "user_id"],
    [{ ...base, device_id: null }, "device_id"],
    [{ ...base, userId: "user-12345" }, "userId"],
    [{ ...base, nope: undefined }, "nope"],
    [{ ...base, time: "now" }, "time"],
    [{ ...base, time: 1.5 }, "time"],
    [{ ...base, time: new Date(NaN) }, "time"],
    [{ ...base, time: null }, "time"],
    [{ ...base, event_id: NaN }, "event_id"],
    [{ ...base, session_id: "1" }, "session_id"],
    [{ ...base, price: Infinity }, "price"],
    [{ ...base, location_lat: "1" }, "location_lat"],
    [{ ...base, $skip_user_properties_sync: 1 }, "$skip_user_properties_sync"],
    [{ ...base, library: 1 }, "library"],
    [{ ...base, plan: { branch: 1 } }, "plan.branch"],
    [{ ...base, plan: { Branch: "main" } }, "plan.Branch"],
    [{ ...base, plan: null }, "plan"],
    [{ ...base, ingestion_metadata: { source_name: null } }, "ingestion_metadata.source_name"],
    [{ ...base, groups: { type: 5 } }, "groups.type"],
    [{ ...base, groups: { type: ["a", 5] } }, "groups.type[1]"],
    [{ ...base, groups: null }, "groups"],
    [{ ...base, event_properties: null }, "event_properties"],
    [{ ...base, event_properties: [] }, "event_properties"],
    [{ ...base, event_properties: "text" }, "event_properties"],
    [{ ...base, user_properties: { a: { "a name": NaN } } }, "user_properties.a[\"a name\"]"],
    [{ ...base, group_properties: { a: 1n } }, "group_properties.a"],
    [{ ...base, event_properties: getter }, "event_properties.bad"],
    ...inProperties
  ]

  const refused = (given: unknown, field: string | undefined) =>
    Effect.gen(function*() {
      const error = (yield* Effect.flip(Amplitude.trackOrFail(given as never))) as InvalidEvent
      assert.strictEqual(error._tag, "InvalidEvent")
      if (field !== undefined) assert.strictEqual(error.field, field)
      assert.isTrue(error.message.startsWith(`${error.field}: expected `))
      assert.deepStrictEqual(yield* Recorder.reports, [])
      yield* Amplitude.track(given as never)
      const reports = yield* Recorder.reports
      assert.strictEqual(reports.length, 1)
      const [report] = reports
      assert.strictEqual(report?._tag === "Dropped" ? report.reason : undefined, "Invalid")
      assert.strictEqual(report?.message, error.message)
      assert.strictEqual(report?.event, given as never)
      assert.deepInclude(report, { code: 0, attempts: 0 })
      yield* Recorder.clear
    })

  it.effect("each fault, by its path", () =>
    Effect.gen(function*() {
      for (const [given, field] of faults) yield* refused(given, field)
      yield* refused({ ...base, event_properties: nested(41) }, `event_properties${".a".repeat(40)}`)
      yield* refused({ ...base, event_properties: cycle }, undefined)
      assert.deepStrictEqual(yield* Recorder.events, [])
      // one bad event never harms another
      yield* Amplitude.trackOrFail(base)
      assert.strictEqual((yield* Recorder.events).length, 1)
    }).pipe(lenient()))

  it.effect("ids on the list, in any case, whatever minIdLength", () =>
    Effect.gen(function*() {
      const list = [
        "anonymous",
        "nil",
        "none",
        "null",
        "n/a",
        "na",
        "undefined",
        "unknown",
        "",
        "00000000-0000-0000-0000-000000000000",
        "{}",
        "lmy47d",
        "0",
        "-1"
      ]
      for (const id of list.flatMap((id) => [id, id.toUpperCase()])) {
        yield* refused({ event_type: "type", user_id: id }, "user_id")
        yield* refused({ event_type: "type", device_id: id }, "device_id")
      }
      yield* Amplitude.trackOrFail({ event_type: "type", user_id: "x" })
    }).pipe(lenient({ minIdLength: 1 })))

  it.effect("the borders are inside", () =>
    Effect.gen(function*() {
      const max = "x".repeat(1024)
      yield* Amplitude.trackOrFail({ event_type: max, user_id: max, device_id: max, insert_id: max })
      yield* Amplitude.trackOrFail({ event_type: "type", user_id: "12345" })
      yield* Amplitude.trackOrFail({ ...base, event_properties: nested(39) as object })
      yield* Amplitude.trackOrFail({ event_type: "$groupidentify", groups: { a: "b" }, group_properties: {} })
      assert.strictEqual((yield* Recorder.events).length, 4)
    }).pipe(lenient()))

  it.effect("what properties become", () =>
    Effect.gen(function*() {
      yield* Amplitude.trackOrFail({
        ...base,
        event_properties: {
          none: undefined,
          list: [1, undefined, [true, null]],
          url: new URL("https://example.com/"),
          date: new Date(0),
          long: "x".repeat(2000),
          pair: `${"x".repeat(1023)}😀`
        }
      })
      const [event] = yield* sent
      assert.deepStrictEqual(event?.event_properties, {
        list: [1, [true, null]],
        url: "https://example.com/",
        date: "1970-01-01T00:00:00.000Z",
        long: "x".repeat(1024),
        pair: "x".repeat(1023)
      })
    }).pipe(lenient()))

  const large = (bytes: number) => ({
    ...base,
    event_properties: { list: Array.from({ length: Math.ceil(bytes / 1000) }, () => "x".repeat(997)) }
  })

  it.effect("R12: an event that is too large alone", () =>
    Effect.gen(function*() {
      yield* refused(large(1_001_000), "event")
      yield* Amplitude.trackOrFail(large(990_000))
    }).pipe(lenient()))

  it.effect("R12: the Batch API takes it", () =>
    Effect.gen(function*() {
      yield* Amplitude.trackOrFail(large(1_001_000))
      yield* refused(large(20_001_000), "event")
    }).pipe(lenient({ useBatch: true })), 30_000)
})

describe("groups", () => {
  it.effect("are an option of every call", () =>
    Effect.gen(function*() {
      const options = { ...user, groups: { org_id: "15", team: ["growth", "web"] } }
      yield* Amplitude.track("type", {}, options)
      yield* Amplitude.identify(Identify.empty.pipe(Identify.set("plan", "pro")), options)
      yield* Amplitude.revenue({ price: 1 }, options)
      yield* Amplitude.withEventOptions(Amplitude.track("type"), options)
      const Defined = Event.define("Defined", {})
      yield* Amplitude.track(Defined({}, options))
      for (const event of yield* sent) assert.deepStrictEqual(event.groups, options.groups)
    }).pipe(lenient()))

  it.effect("those of setGroup and groupIdentify are the call's own", () =>
    Effect.gen(function*() {
      const options = { ...user, groups: { other: "1" } }
      yield* Amplitude.setGroup("org_id", "15", options)
      yield* Amplitude.groupIdentify("org_id", "15", Identify.empty.pipe(Identify.set("a", 1)), options)
      yield* Amplitude.trackOrFail(Event.setGroup("org_id", "15", options))
      for (const event of yield* sent) assert.deepStrictEqual(event.groups, { org_id: "15" })
    }).pipe(lenient()))

  it.effect("a type may have any name", () =>
    Effect.gen(function*() {
      const names = ["__proto__", "constructor", "toString", "hasOwnProperty", "toJSON", "", "0"]
      const groups = Object.fromEntries(names.map((name) => [name, ["15"]]))
      yield* Amplitude.trackOrFail({ ...base, groups })
      yield* Amplitude.trackOrFail(Event.setGroup("__proto__", "15", user))
      yield* Amplitude.setGroup("__proto__", "15", user)
      const [event, ...set] = (yield* Recorder.events).map((event) => JSON.parse(JSON.stringify(event)))
      assert.sameMembers(Object.keys(event.groups), names)
      for (const { groups, user_properties } of set) {
        assert.deepStrictEqual(Object.entries(groups), [["__proto__", "15"]])
        assert.deepStrictEqual(Object.entries(user_properties.$set), [["__proto__", "15"]])
      }
    }).pipe(lenient()))

  it.effect("an own __proto__ is no option", () =>
    Effect.gen(function*() {
      const options = JSON.parse(`{"user_id":"user-12345","__proto__":{"user_id":"other"}}`) as { user_id: string }
      const fails = [
        Amplitude.trackOrFail(Event.setGroup("org_id", "15", options)),
        Amplitude.trackOrFail({ event_type: "type", ...user, ...options })
      ]
      for (const fail of fails) {
        const error = yield* Effect.flip(fail) as Effect.Effect<InvalidEvent, void, Amplitude>
        assert.strictEqual(error.field, "__proto__")
        assert.strictEqual(error.actual, "an unknown field")
      }
    }).pipe(lenient()))
})

describe("time", () => {
  it.effect("is a number of milliseconds or a Date, by every door", () =>
    Effect.gen(function*() {
      const time = new Date(1_700_000_000_000)
      yield* Amplitude.track({ ...base, time })
      yield* Amplitude.track({ ...base, time: time.getTime() })
      yield* Amplitude.track("type", {}, { ...user, time })
      yield* Amplitude.track(new Event({ ...base, time }))
      yield* Amplitude.track(Event.revenue({ price: 1 }, { ...user, time }))
      yield* Amplitude.withEventOptions(Amplitude.track("type"), { ...user, time })
      for (const event of yield* sent) assert.strictEqual(event.time, time.getTime())
    }).pipe(lenient()))

  it.effect("an invalid Date is refused", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(
        Amplitude.trackOrFail({ ...base, time: new Date(NaN) })
      ) as Effect.Effect<InvalidEvent, void, Amplitude>
      assert.strictEqual(error.field, "time")
      assert.strictEqual(error.actual, "an invalid Date")
    }).pipe(lenient()))
})

describe("a hostile event", () => {
  /** An object with as many members as it is asked for. Counts how many of them are read. */
  const endless = () => {
    const reads = { count: 0 }
    const value: object = new Proxy([], {
      get: (_, key) => {
        if (key === "length") return 2 ** 32 - 1
        if (key === "toJSON") return undefined
        reads.count++
        return value
      }
    })
    return { reads, value }
  }

  it.effect("a length that is a lie is refused before an element is read", () =>
    Effect.gen(function*() {
      const { reads, value } = endless()
      for (const event of [{ event_properties: { value } }, { groups: { value: value as unknown as string } }]) {
        const error = yield* Effect.flip(Amplitude.trackOrFail({ ...base, ...event }))
        assert.strictEqual(error._tag, "InvalidEvent")
      }
      assert.strictEqual(reads.count, 0)
    }).pipe(lenient()))

  it.effect("reading stops where the event is larger than a request", () =>
    Effect.gen(function*() {
      let reads = 0
      const list = new Array<unknown>(100_000).fill(undefined)
      const text = "x".repeat(1000)
      const counted = new Proxy(list, {
        get: (target, key) => {
          if (typeof key === "string" && /^\d+$/.test(key)) {
            reads++
            return text
          }
          return Reflect.get(target, key) as unknown
        }
      })
      const error = yield* Effect.flip(
        Amplitude.trackOrFail({ ...base, event_properties: { counted } })
      ) as Effect.Effect<InvalidEvent, void, Amplitude>
      assert.strictEqual(error._tag, "InvalidEvent")
      assert.isAtMost(reads, 1000)
      const groups = new Proxy({}, {
        ownKeys: () => Array.from({ length: 10_000 }, (_, index) => `type-${index}`),
        getOwnPropertyDescriptor: () => ({ configurable: true, enumerable: true, value: text }),
        get: () => {
          reads++
          return text
        }
      })
      reads = 0
      assert.strictEqual((yield* Effect.flip(Amplitude.trackOrFail({ ...base, groups })))._tag, "InvalidEvent")
      assert.isAtMost(reads, 1000)
    }).pipe(lenient()))
})

describe("optOut", () => {
  it.effect("everything is reported OptedOut, and nothing is recorded", () =>
    Effect.gen(function*() {
      yield* Amplitude.track({ event_type: "type", ...user })
      yield* Amplitude.trackOrFail({ event_type: "type", ...user })
      const error = yield* Effect.flip(Amplitude.trackAndWait({ event_type: "type", ...user }))
      assert.strictEqual(error._tag === "DeliveryError" ? error.reason : error._tag, "OptedOut")
      assert.deepStrictEqual(yield* Recorder.events, [])
      assert.deepStrictEqual(
        (yield* Recorder.reports).map((report) => report._tag === "Dropped" ? report.reason : report._tag),
        ["OptedOut", "OptedOut", "OptedOut"]
      )
    }).pipe(lenient({ optOut: true })))
})

describe("AmplitudeTest", () => {
  it.effect("an invalid event is a defect of the call", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(Amplitude.track({ event_type: "type" }))
      assert.isTrue(Exit.isFailure(exit) && Cause.isDie(exit.cause))
      const defect = Exit.isFailure(exit) ? Cause.squash(exit.cause) as InvalidEvent : undefined
      assert.strictEqual(defect?._tag, "InvalidEvent")
      assert.strictEqual(defect?.field, "user_id")
      assert.strictEqual((yield* Effect.flip(Amplitude.trackOrFail({ event_type: "type" })))._tag, "InvalidEvent")
    }).pipe(Effect.provide(AmplitudeTest)))

  for (const time of ["first", "second"]) {
    it.effect(`the whole payload is known: ${time} build`, () =>
      Effect.gen(function*() {
        yield* TestClock.adjust(1500)
        yield* Amplitude.track("type", { a: 1 }, user)
        assert.deepStrictEqual(yield* sent, [{
          event_type: "type",
          event_properties: { a: 1 },
          ...user,
          time: 1500,
          insert_id: insertId(1),
          library
        }])
      }).pipe(Effect.provide(AmplitudeTest)))
  }

  it.effect("events at once, reports when they are sent, clear forgets both", () =>
    Effect.gen(function*() {
      yield* Amplitude.track("type", {}, user)
      assert.strictEqual((yield* Recorder.events).length, 1)
      assert.deepStrictEqual(yield* Recorder.reports, [])
      yield* Amplitude.flush
      const [report] = yield* Recorder.reports
      assert.deepInclude(report, { _tag: "Delivered", code: 200, attempts: 1 })
      yield* Recorder.clear
      assert.deepStrictEqual(yield* Recorder.events, [])
      assert.deepStrictEqual(yield* Recorder.reports, [])
    }).pipe(Effect.provide(AmplitudeTest)))

  it.effect("failWith a status", () =>
    Effect.gen(function*() {
      yield* Recorder.failWith({ status: 404, body: { error: "not here" } })
      yield* Amplitude.track("type", {}, user)
      yield* Amplitude.flush
      yield* Amplitude.track("type", {}, user)
      yield* Amplitude.flush
      const [dropped, delivered] = yield* Recorder.reports
      assert.deepInclude(dropped, { _tag: "Dropped", reason: "Rejected", code: 404, message: "not here" })
      assert.strictEqual(delivered?._tag, "Delivered")
    }).pipe(Effect.provide(AmplitudeTest)))

  for (
    const [name, failure] of [
      ["a status that is tried again", { status: 503, headers: { "Retry-After": "2" } }],
      ["an error of the transport", new TransportError({ reason: "Timeout" })]
    ] as const
  ) {
    it.effect(`failWith ${name}, several times`, () =>
      Effect.gen(function*() {
        yield* Recorder.failWith(failure, 3)
        const fiber = yield* Effect.fork(Amplitude.trackAndWait({ event_type: "type", ...user }))
        yield* TestClock.adjust("1 minute")
        const delivered = yield* Fiber.join(fiber)
        assert.strictEqual(delivered.attempts, 4)
        assert.strictEqual((yield* Recorder.reports).length, 1)
      }).pipe(Effect.provide(AmplitudeTest)))
  }
})
