import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import type { Cause } from "effect"
import { Effect, Exit, Option, Redacted, Schema, TestClock } from "effect"
import type { Event as EventType, InvalidEvent } from "effect-amplitude"
import { Amplitude, AmplitudeTest, Event, Identify, Recorder, TransportError } from "effect-amplitude"

const user = { user_id: "user-12345" }

const SongPlayed = Event.define("Song Played", { title: Schema.String, at: Schema.optional(Schema.Date) })

const compiled = (_: () => unknown) => {}

describe("Recorder, what was tracked", () => {
  it.effect("tracked, by name and by definition", () =>
    Effect.gen(function*() {
      yield* Amplitude.track(SongPlayed({ title: "So What", at: new Date(5) }, user))
      yield* Amplitude.track("Other", {}, user)
      yield* Amplitude.track(SongPlayed({ title: "Blue in Green" }, user))
      assert.deepStrictEqual((yield* Recorder.tracked("Other")).map((event) => event.event_type), ["Other"])
      assert.deepStrictEqual(yield* Recorder.tracked("Nothing"), [])
      const songs = yield* Recorder.tracked(SongPlayed)
      assert.deepStrictEqual(songs.map((event) => event.event_properties), [
        { title: "So What", at: new Date(5) },
        { title: "Blue in Green" }
      ])
      assert.deepInclude(songs[0], user)
      assert.isTrue(songs.every((song) => song instanceof Event))
      compiled(() => {
        expectTypeOf(Recorder.tracked("Other")).toEqualTypeOf<
          Effect.Effect<ReadonlyArray<EventType>, never, Recorder>
        >()
        expectTypeOf(songs[0]!.event_type).toEqualTypeOf<"Song Played">()
        expectTypeOf(songs[0]!.event_properties).toEqualTypeOf<
          { readonly title: string; readonly at?: Date | undefined }
        >()
        // @ts-expect-error not a property
        void songs[0]!.event_properties.artist
      })
    }).pipe(Effect.provide(AmplitudeTest)))

  it.effect("an event that is not as defined is a defect of `tracked`", () =>
    Effect.gen(function*() {
      yield* Amplitude.track("Song Played", { title: 5 }, user)
      const cause = yield* Effect.flip(Effect.sandbox(Recorder.tracked(SongPlayed)))
      assert.strictEqual(
        ((cause as Cause.Die).defect as InvalidEvent).message,
        "event_properties.title: expected a string, got a number"
      )
    }).pipe(Effect.provide(AmplitudeTest)))

  it.effect("identifies, groups and group identifies", () =>
    Effect.gen(function*() {
      const recorder = yield* Recorder
      yield* Amplitude.identify(Identify.empty.pipe(Identify.set("plan", "pro"), Identify.add("logins", 1)), user)
      yield* Amplitude.identify(Identify.empty.pipe(Identify.clearAll), { device_id: "device-12345" })
      yield* Amplitude.setGroup("org_id", ["15", "21"], user)
      yield* Amplitude.groupIdentify("org_id", "15", Identify.empty.pipe(Identify.set("locale", "en-us")))
      yield* Amplitude.track("Other", {}, user)
      assert.deepStrictEqual(yield* recorder.identifies, [
        { ...user, operations: { $set: { plan: "pro" }, $add: { logins: 1 } } },
        { device_id: "device-12345", operations: { $clearAll: "-" } }
      ])
      assert.deepStrictEqual(yield* recorder.groups, [{ ...user, groupType: "org_id", groupName: ["15", "21"] }])
      assert.deepStrictEqual(yield* recorder.groupIdentifies, [
        { groupType: "org_id", groupName: "15", operations: { $set: { locale: "en-us" } } }
      ])
      assert.deepStrictEqual(yield* Recorder.identifies, yield* recorder.identifies)
      assert.deepStrictEqual(yield* Recorder.groups, yield* recorder.groups)
      assert.deepStrictEqual(yield* Recorder.groupIdentifies, yield* recorder.groupIdentifies)
      compiled(() =>
        expectTypeOf(recorder.identifies).toEqualTypeOf<Effect.Effect<ReadonlyArray<Recorder.Identified>>>()
      )
      expectTypeOf<Recorder.Identified["operations"]>().toEqualTypeOf<Identify.Operations>()
    }).pipe(Effect.provide(AmplitudeTest)))

  it.effect("an identify with groups is one, and no setGroup", () =>
    Effect.gen(function*() {
      const pro = Identify.empty.pipe(Identify.set("plan", "pro"))
      yield* Amplitude.identify(pro, { ...user, groups: { org_id: "15" } })
      yield* Amplitude.withEventOptions(
        Effect.zipRight(Amplitude.identify(pro, user), Amplitude.setGroup("team", ["5", "6"], user)),
        { groups: { org_id: ["15"] } }
      )
      const operations = { $set: { plan: "pro" } }
      assert.deepStrictEqual(yield* Recorder.identifies, [{ ...user, operations }, { ...user, operations }])
      assert.deepStrictEqual(yield* Recorder.groups, [{ ...user, groupType: "team", groupName: ["5", "6"] }])
    }).pipe(Effect.provide(AmplitudeTest)))

  it.effect("events made by hand", () =>
    Effect.gen(function*() {
      yield* Amplitude.track({ event_type: "$identify", ...user })
      yield* Amplitude.track({ event_type: "$identify", ...user, groups: { org: "15" } })
      yield* Amplitude.track({ event_type: "$groupidentify", ...user, groups: { org: "15", team: "5" } })
      yield* Amplitude.track({ event_type: "$groupidentify", ...user })
      yield* Amplitude.track({ event_type: "revenue_amount", ...user })
      assert.deepStrictEqual(yield* Recorder.identifies, [{ ...user, operations: {} }])
      assert.deepStrictEqual(yield* Recorder.groups, [{ ...user, groupType: "org", groupName: "15" }])
      assert.deepStrictEqual(yield* Recorder.groupIdentifies, [
        { ...user, groupType: "org", groupName: "15", operations: {} },
        { ...user, groupType: "team", groupName: "5", operations: {} }
      ])
      assert.deepStrictEqual<unknown>(yield* Recorder.revenues, [user])
    }).pipe(Effect.provide(AmplitudeTest)))

  it.effect("revenues give back what was tracked", () =>
    Effect.gen(function*() {
      const whole = {
        price: -3.99,
        quantity: 3,
        productId: "sku-1",
        revenueType: "refund",
        receipt: "receipt",
        receiptSig: "signature",
        revenue: -11.97,
        currency: "EUR",
        properties: { shelf: 5 }
      }
      yield* Amplitude.revenue(whole, user)
      yield* Amplitude.revenue({ price: 1 }, user)
      assert.deepStrictEqual(yield* Recorder.revenues, [{ ...user, ...whole }, { ...user, price: 1, quantity: 1 }])
    }).pipe(Effect.provide(AmplitudeTest)))
})

describe("Recorder.delay", () => {
  it.effect("delays the answers of the next requests, by the clock", () =>
    Effect.gen(function*() {
      yield* Recorder.delay("5 seconds", 2)
      for (const delays of [true, true, false]) {
        yield* Amplitude.track("Clicked", {}, user)
        const flushing = yield* Effect.fork(Amplitude.flush)
        yield* TestClock.adjust("4999 millis")
        assert.strictEqual(Option.isNone(yield* flushing.poll), delays)
        yield* TestClock.adjust("1 millis")
        assert.isTrue(Option.isSome(yield* flushing.poll))
      }
    }).pipe(Effect.provide(AmplitudeTest)))

  it.effect("goes together with failWith, and with the timeout of a request", () =>
    Effect.gen(function*() {
      const recorder = yield* Recorder
      yield* recorder.delay("1 seconds")
      yield* recorder.failWith(new TransportError({}))
      yield* Amplitude.track("Clicked", {}, user)
      const flushing = yield* Effect.fork(Amplitude.flush)
      yield* TestClock.adjust("999 millis")
      assert.isTrue(Option.isNone(yield* flushing.poll))
      yield* TestClock.adjust("10 seconds")
      yield* flushing.await
      yield* recorder.delay("1 hour")
      yield* Amplitude.track("Clicked", {}, user)
      const again = yield* Effect.fork(Amplitude.flush)
      yield* TestClock.adjust("1 minute")
      yield* again.await
      assert.deepStrictEqual((yield* recorder.reports).map(({ attempts }) => attempts), [2, 2])
    }).pipe(Effect.provide(AmplitudeTest)))
})

describe("Recorder.expect", () => {
  const difference = (expected: ReadonlyArray<Recorder.Expected>) =>
    Effect.map(
      Effect.exit(Recorder.expect(expected)),
      (exit) => Exit.isSuccess(exit) ? undefined : ((exit.cause as Cause.Die).defect as Error).message.split("\n")
    )

  const three = Effect.gen(function*() {
    yield* Amplitude.track("Checkout Started", { items: 2 }, user)
    yield* Amplitude.track("Coupon Used", { code: "SPRING", tags: ["a", "b"] }, user)
    yield* Amplitude.track("Checkout Completed", { total: 21, nested: { deep: [1, { a: 1 }] } }, user)
  })

  it.effect("compares the fields that are named", () =>
    Effect.gen(function*() {
      assert.isUndefined(yield* difference([]))
      yield* three
      assert.isUndefined(yield* difference([{}, {}, {}]))
      assert.isUndefined(
        yield* difference([
          { event_type: "Checkout Started", device_id: undefined, event_properties: {} },
          { event_properties: { tags: ["a", "b"] } },
          { ...user, event_properties: { nested: { deep: [1, {}] } } }
        ])
      )
      compiled(() => {
        // @ts-expect-error misspelt
        void Recorder.expect([{ userId: "user-12345" }])
        expectTypeOf(Recorder.expect([])).toEqualTypeOf<Effect.Effect<void, never, Recorder>>()
      })
    }).pipe(Effect.provide(AmplitudeTest)))

  it.effect("shows what differs, field by field", () =>
    Effect.gen(function*() {
      yield* three
      assert.deepStrictEqual(
        yield* difference([
          { event_type: "Checkout Started", ...user },
          { event_type: "Coupon Used", user_id: "user-54321", event_properties: { code: "WINTER", tags: ["a"] } },
          {
            event_type: "Checkout Completed",
            device_id: "device-12345",
            user_id: undefined,
            event_properties: { total: 20.5, "odd name": true, nested: { deep: [1, { a: 2 }] } }
          }
        ]),
        [
          "The recorded events are not the expected ones: 3 expected, 3 recorded",
          "    Checkout Started",
          "  ! Coupon Used",
          "      user_id: expected \"user-54321\", received \"user-12345\"",
          "      event_properties.code: expected \"WINTER\", received \"SPRING\"",
          "      event_properties.tags: expected [\"a\"], received [\"a\",\"b\"]",
          "  ! Checkout Completed",
          "      device_id: expected \"device-12345\", received nothing",
          "      user_id: expected nothing, received \"user-12345\"",
          "      event_properties.total: expected 20.5, received 21",
          "      event_properties[\"odd name\"]: expected true, received nothing",
          "      event_properties.nested.deep[1].a: expected 2, received 1"
        ]
      )
    }).pipe(Effect.provide(AmplitudeTest)))

  it.effect("shows what is missing, and what is too much", () =>
    Effect.gen(function*() {
      yield* three
      assert.deepStrictEqual(
        yield* difference([
          { event_type: "Checkout Started" },
          { event_type: "Checkout Completed" },
          { event_type: "Mail Sent", event_properties: { to: "Ada" } }
        ]),
        [
          "The recorded events are not the expected ones: 3 expected, 3 recorded",
          "    Checkout Started",
          "  + Coupon Used: recorded, and not expected",
          "      user_id: \"user-12345\"",
          "      event_properties: {\"code\":\"SPRING\",\"tags\":[\"a\",\"b\"]}",
          "    Checkout Completed",
          "  - Mail Sent: expected, and not recorded",
          "      event_properties: {\"to\":\"Ada\"}"
        ]
      )
      assert.deepStrictEqual(
        yield* difference([{ event_type: "Coupon Used" }, { ...user }, { user_id: "user-54321" }]),
        [
          "The recorded events are not the expected ones: 3 expected, 3 recorded",
          "  + Checkout Started: recorded, and not expected",
          "      user_id: \"user-12345\"",
          "      event_properties: {\"items\":2}",
          "    Coupon Used",
          "    Checkout Completed",
          "  - (any event): expected, and not recorded",
          "      user_id: \"user-54321\""
        ]
      )
      yield* Recorder.clear
      assert.deepStrictEqual(yield* difference([{ event_type: "Mail Sent" }]), [
        "The recorded events are not the expected ones: 1 expected, 0 recorded",
        "  - Mail Sent: expected, and not recorded"
      ])
    }).pipe(Effect.provide(AmplitudeTest)))

  it.effect("another type in the place of the expected one", () =>
    Effect.gen(function*() {
      yield* Amplitude.track("Clicked", {}, user)
      assert.deepStrictEqual(yield* difference([{ event_type: "Viewed" }]), [
        "The recorded events are not the expected ones: 1 expected, 1 recorded",
        "  ! Clicked",
        "      event_type: expected \"Viewed\", received \"Clicked\""
      ])
    }).pipe(Effect.provide(AmplitudeTest)))

  it.effect("a value that has a toJSON, one that JSON cannot hold, a long one", () =>
    Effect.gen(function*() {
      yield* Amplitude.track("Clicked", { at: new Date(0), long: "x".repeat(1000), zero: 0 }, user)
      assert.isUndefined(yield* difference([{ event_properties: { at: new Date(0), zero: -0 } }]))
      const cycle: Record<string, unknown> = {}
      cycle.self = cycle
      const text = yield* difference([{ event_properties: { at: 5n, long: "y", zero: NaN, cycle } }])
      assert.deepStrictEqual(
        text?.slice(2).map((line) => line.length > 400 ? `${line.length > 600}` : line),
        [
          "      event_properties.at: expected 5, received \"1970-01-01T00:00:00.000Z\"",
          "true",
          "      event_properties.zero: expected NaN, received 0",
          "      event_properties.cycle: expected [object Object], received nothing"
        ].map((line) => line === "true" ? "false" : line)
      )
    }).pipe(Effect.provide(AmplitudeTest)))

  it.effect("what was tracked is what is expected: a time as a Date, a list with undefined in it", () =>
    Effect.gen(function*() {
      const event = {
        event_type: "Clicked",
        ...user,
        time: new Date("2026-01-01"),
        event_properties: { time: new Date(0), tags: ["a", undefined, "b"] }
      }
      yield* Amplitude.track(event)
      assert.isUndefined(yield* difference([event]))
      assert.deepStrictEqual(
        (yield* difference([{ time: new Date(5), event_properties: { tags: [undefined, "a"] } }]))?.slice(2),
        [
          "      time: expected 5, received 1767225600000",
          "      event_properties.tags: expected [\"a\"], received [\"a\",\"b\"]"
        ]
      )
    }).pipe(Effect.provide(AmplitudeTest)))

  it.effect("each expected value is read a few times, however many events there are", () =>
    Effect.gen(function*() {
      let reads = 0
      const expected = Array.from({ length: 100 }, (_, index) => ({
        event_type: "Clicked",
        event_properties: {
          index,
          at: {
            toJSON: () => {
              reads++
              return "now"
            }
          }
        }
      }))
      for (let index = 0; index < 100; index++) yield* Amplitude.track("Clicked", { index, at: "now" }, user)
      assert.isUndefined(yield* difference(expected))
      assert.isAtMost(reads, 300)
      reads = 0
      assert.deepStrictEqual((yield* difference(expected.slice(1)))?.slice(1, 3), [
        "  + Clicked: recorded, and not expected",
        "      user_id: \"user-12345\""
      ])
      assert.isAtMost(reads, 500)
    }).pipe(Effect.provide(AmplitudeTest)))

  it.effect("many events are compared one by one", () =>
    Effect.gen(function*() {
      for (let index = 0; index < 600; index++) yield* Amplitude.track("Clicked", { index }, user)
      const expected = Array.from({ length: 601 }, (_, index) => ({ event_properties: { index } }))
      assert.isUndefined(yield* difference(expected.slice(0, 600)))
      assert.deepStrictEqual((yield* difference(expected))?.slice(-2), [
        "  - (any event): expected, and not recorded",
        "      event_properties: {\"index\":600}"
      ])
    }).pipe(Effect.provide(AmplitudeTest)))
})

describe("an invalid event", () => {
  it.effect("of trackAll is a defect of the call, as one of track is", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(
        Amplitude.trackAll([{ event_type: "Clicked", ...user }, { event_type: " ", ...user }])
      )
      assert.strictEqual(
        ((exit as Exit.Failure<void, never>).cause as Cause.Die).defect?.toString(),
        "InvalidEvent: event_type: expected a name that is not blank, got a blank one"
      )
      assert.deepStrictEqual(yield* Recorder.reports, [])
      assert.deepStrictEqual((yield* Recorder.events).map(({ event_type }) => event_type), ["Clicked"])
    }).pipe(Effect.provide(AmplitudeTest)))

  it.effect("of trackAll is a report where the client is lenient", () =>
    Effect.gen(function*() {
      yield* Amplitude.trackAll([{ event_type: "Clicked", ...user }, { event_type: " ", ...user }])
      assert.deepStrictEqual((yield* Recorder.reports).map(({ _tag }) => _tag), ["Dropped"])
      assert.strictEqual((yield* Recorder.events).length, 1)
    }).pipe(Effect.provide(Recorder.layer({ lenient: true }))))
})

describe("Recorder.failWith", () => {
  it.effect("fails all requests", () =>
    Effect.gen(function*() {
      yield* Recorder.failWith({ status: 503 }, 0)
      yield* Recorder.failWith({ status: 503 }, Infinity)
      yield* Amplitude.track("Clicked", {}, user)
      const flushing = yield* Effect.fork(Amplitude.flush)
      yield* TestClock.adjust("1 hour")
      yield* flushing.await
      assert.deepStrictEqual((yield* Recorder.reports).map(({ attempts }) => attempts), [13])
    }).pipe(Effect.provide(AmplitudeTest)))
})

describe("Recorder.layer", () => {
  it.effect("needs no key", () =>
    Effect.map(Amplitude.config, ({ apiKey }) => assert.strictEqual(Redacted.value(apiKey), "test-api-key")).pipe(
      Effect.provide(Recorder.layer({ apiKey: undefined } as unknown as Recorder.Options))
    ))
})
