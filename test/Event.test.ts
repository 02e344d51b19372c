import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import type { InvalidEvent } from "effect-amplitude"
import { Amplitude, Event, Identify, Recorder, Revenue } from "effect-amplitude"

const user = { user_id: "user-12345" }

const context = { time: 0, insert_id: "00000000-0000-4000-8000-000000000001", library: "effect-amplitude/0.1.0" }

const lenient = Effect.provide(Recorder.layer({ lenient: true }))

/** The event as it is sent. */
const sent = (event: Event | Event.Input) =>
  Effect.zipRight(Amplitude.trackOrFail(event), Recorder.events).pipe(
    Effect.map(([event]) => JSON.parse(JSON.stringify(event)) as unknown),
    lenient
  )

/** The path of the fault. */
const refused = (event: unknown) =>
  Effect.map(Effect.flip(Amplitude.trackOrFail(event as Event)), (error) => {
    assert.strictEqual(error._tag, "InvalidEvent")
    return (error as InvalidEvent).field
  }).pipe(lenient)

const throwing = new Proxy({}, {
  get: () => assert.fail("get"),
  ownKeys: () => assert.fail("ownKeys"),
  has: () => assert.fail("has"),
  getPrototypeOf: () => assert.fail("getPrototypeOf")
})

const revoked = () => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

const hostile = (): ReadonlyArray<unknown> => [
  undefined,
  null,
  0,
  NaN,
  1n,
  "",
  "text",
  true,
  Symbol("symbol"),
  () => {},
  {},
  [],
  [null],
  new Date(NaN),
  new Map(),
  throwing,
  revoked(),
  Object.defineProperty({}, "price", { enumerable: true, get: () => assert.fail("price") })
]

const plan = Identify.empty.pipe(Identify.set("plan", "pro"), Identify.add("logins", 1))

describe("Event", () => {
  describe("bodies", () => {
    it.effect("identify", () =>
      Effect.map(sent(Event.identify(plan, user)), (event) =>
        assert.deepStrictEqual(event, {
          ...context,
          ...user,
          event_type: "$identify",
          user_properties: { $set: { plan: "pro" }, $add: { logins: 1 } }
        })))

    it.effect("groupIdentify, without ids", () =>
      Effect.map(sent(Event.groupIdentify("org_id", "15", plan)), (event) =>
        assert.deepStrictEqual(event, {
          ...context,
          event_type: "$groupidentify",
          groups: { org_id: "15" },
          group_properties: { $set: { plan: "pro" }, $add: { logins: 1 } }
        })))

    it.effect("groupIdentify of several groups, with options", () =>
      Effect.map(
        sent(Event.groupIdentify("org_id", ["15", "21"], plan, { ...user, time: 5 })),
        (event) =>
          assert.deepStrictEqual(event, {
            ...context,
            ...user,
            time: 5,
            event_type: "$groupidentify",
            groups: { org_id: ["15", "21"] },
            group_properties: { $set: { plan: "pro" }, $add: { logins: 1 } }
          })
      ))

    it.effect("setGroup", () =>
      Effect.map(sent(Event.setGroup("org_id", ["15", "21"], user)), (event) =>
        assert.deepStrictEqual(event, {
          ...context,
          ...user,
          event_type: "$identify",
          groups: { org_id: ["15", "21"] },
          user_properties: { $set: { org_id: ["15", "21"] } }
        })))

    it.effect("revenue, of the plain object and of the class", () =>
      Effect.gen(function*() {
        const input = { price: 3.99, quantity: 3, productId: "sku-1", properties: { color: "red" } }
        const expected = {
          ...context,
          ...user,
          event_type: "revenue_amount",
          event_properties: { color: "red", $price: 3.99, $quantity: 3, $productId: "sku-1" }
        }
        assert.deepStrictEqual(yield* sent(Event.revenue(input, user)), expected)
        assert.deepStrictEqual(yield* sent(Event.revenue(new Revenue(input), user)), expected)
      }))

    it.effect("revenue keeps its fields beside properties with a toJSON", () =>
      Effect.map(
        sent(Event.revenue({ price: 3.99, properties: { toJSON: () => ({ color: "red" }) } }, user)),
        (event) =>
          assert.deepStrictEqual(event, {
            ...context,
            ...user,
            event_type: "revenue_amount",
            event_properties: { color: "red", $price: 3.99, $quantity: 1 }
          })
      ))

    it.effect("the shortcuts of the client send the same", () =>
      Effect.gen(function*() {
        yield* Amplitude.identify(plan, user)
        yield* Amplitude.groupIdentify("org_id", "15", plan)
        yield* Amplitude.setGroup("org_id", "15", user)
        yield* Amplitude.revenue({ price: 1 }, user)
        const events = yield* Recorder.events
        const expected = [
          Event.identify(plan, user),
          Event.groupIdentify("org_id", "15", plan),
          Event.setGroup("org_id", "15", user),
          Event.revenue({ price: 1 }, user)
        ]
        assert.deepStrictEqual(
          events.map(({ insert_id: _insertId, library: _library, time: _time, ...event }) => event),
          expected.map((event) => JSON.parse(JSON.stringify(event)))
        )
      }).pipe(lenient))
  })

  describe("define", () => {
    const SongPlayed = Event.define("Song Played", {
      title: Schema.String,
      seconds: Schema.Number,
      at: Schema.optional(Schema.Date),
      tags: Schema.optional(Schema.Array(Schema.Struct({ name: Schema.NonEmptyString })))
    })

    it.effect("sends the encoded side, with the options", () =>
      Effect.gen(function*() {
        const song = SongPlayed({ title: "So What", seconds: 562, at: new Date(0) }, { ...user, time: 7 })
        assert.instanceOf(song, Event)
        assert.deepStrictEqual(yield* sent(song), {
          ...context,
          ...user,
          time: 7,
          event_type: "Song Played",
          event_properties: { title: "So What", seconds: 562, at: "1970-01-01T00:00:00.000Z" }
        })
      }))

    it("carries its type and schema", () => {
      assert.strictEqual(SongPlayed.event_type, "Song Played")
      assert.deepStrictEqual(
        Schema.decodeSync(SongPlayed.schema)({ title: "So What", seconds: 1, at: "1970-01-01T00:00:00.000Z" }),
        { title: "So What", seconds: 1, at: new Date(0) }
      )
    })

    it.effect("wrong properties are refused when tracked", () =>
      Effect.gen(function*() {
        const song = SongPlayed as unknown as (properties?: unknown, options?: object) => Event
        const right = { title: "So What", seconds: 562 }
        assert.strictEqual(yield* refused(song({ ...right, title: 5 }, user)), "event_properties.title")
        assert.strictEqual(yield* refused(song({ title: "So What" }, user)), "event_properties.seconds")
        assert.strictEqual(yield* refused(song({ ...right, album: "Kind of Blue" }, user)), "event_properties.album")
        assert.strictEqual(
          yield* refused(song({ ...right, tags: [{ name: "a" }, { name: "" }] }, user)),
          "event_properties.tags[1].name"
        )
        assert.strictEqual(yield* refused(song({ ...right, seconds: NaN }, user)), "event_properties.seconds")
        assert.strictEqual(yield* refused(song(undefined, user)), "event_properties.title")
        assert.strictEqual(yield* refused(song(right, { userId: "user-12345" })), "userId")
        assert.strictEqual(yield* refused(song(right)), "user_id")
      }))

    it.effect("a spread does not lose what is wrong", () =>
      Effect.map(
        // @ts-expect-error a number is no title
        refused({ ...SongPlayed({ title: 5 }, user) }),
        (path) => assert.strictEqual(path, "event_properties.title")
      ))

    it.effect("with no required property it can be called without arguments", () =>
      Effect.gen(function*() {
        const Opened = Event.define("Opened", {})
        assert.deepStrictEqual(yield* sent({ ...Opened(), ...user }), {
          ...context,
          ...user,
          event_type: "Opened",
          event_properties: {}
        })
      }))
  })

  describe("constructors never throw", () => {
    const definition = Event.define("Defined", { price: Schema.Number })
    const constructors: Readonly<Record<string, (...args: ReadonlyArray<any>) => Event>> = {
      identify: (a, _b, _c, d) => Event.identify(a, d),
      groupIdentify: (a, b, c, d) => Event.groupIdentify(a, b, c, d),
      setGroup: (a, b, _c, d) => Event.setGroup(a, b, d),
      revenue: (a, _b, _c, d) => Event.revenue(a, d),
      define: (a, _b, _c, d) => definition(a, d)
    }
    for (const [name, construct] of Object.entries(constructors)) {
      it.effect(name, () =>
        Effect.gen(function*() {
          for (const first of hostile()) {
            for (const second of hostile()) {
              for (
                const args of [[first, second, first, user], [second, first, second, user], [first, "b", plan, second]]
              ) {
                const event = construct(...args)
                const exit = yield* Effect.either(Amplitude.trackOrFail(event))
                if (exit._tag === "Left") assert.strictEqual(exit.left._tag, "InvalidEvent")
                yield* Amplitude.track(event)
              }
            }
          }
        }).pipe(lenient))
    }

    it.effect("the shortcuts report what is wrong", () =>
      Effect.gen(function*() {
        yield* Amplitude.identify(null as never, user)
        yield* Amplitude.groupIdentify("org_id", 15 as never, plan)
        yield* Amplitude.setGroup("org_id", null as never, user)
        yield* Amplitude.revenue({ price: "1" } as never, user)
        yield* Amplitude.identify(Identify.empty, user)
        assert.deepStrictEqual(yield* Recorder.events, [])
        assert.deepStrictEqual(
          (yield* Recorder.reports).map((report) => report._tag === "Dropped" ? report.reason : report._tag),
          ["Invalid", "Invalid", "Invalid", "Invalid", "Invalid"]
        )
      }).pipe(lenient))
  })

  it("new Event checks its argument", () => {
    assert.throws(() => new Event({ event_type: 5 } as never))
    assert.throws(() => new Event({ event_type: "type", event_properties: { count: NaN } }))
    assert.strictEqual(new Event({ event_type: "type", user_id: undefined }).event_type, "type")
  })
})
