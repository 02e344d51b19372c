import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import { Effect, Either, FastCheck, JSONSchema, Layer, Logger, Option, Schema } from "effect"
import type { InvalidEvent } from "effect-amplitude"
import { Amplitude, AmplitudeTest, Event, Identify, Plugin, Recorder, TrackingPlan } from "effect-amplitude"

const user = { user_id: "user-12345" }

const SongShared = Event.define("Song Shared", { with: Schema.Array(Schema.String) })

const plan = TrackingPlan.make({
  "Song Played": {
    description: "A song was played to its end",
    properties: {
      title: Schema.String.annotations({ description: "As on the record" }),
      seconds: Schema.Number.pipe(Schema.positive()),
      at: Schema.Date.annotations({ description: "When it ended" }),
      source: Schema.optional(Schema.Literal("radio", "search")).annotations({ description: "radio | search" }),
      ms: Schema.propertySignature(Schema.NumberFromString).pipe(Schema.fromKey("duration_ms"))
    }
  },
  "Song Skipped": { title: Schema.String, description: Schema.String, properties: Schema.optional(Schema.Boolean) },
  "Song Shared": SongShared,
  "App Opened": {}
})

const played = { title: "So What", seconds: 562, at: new Date(0), ms: 5 }

const fieldOf = (event: unknown): string | undefined =>
  Option.getOrUndefined(Option.map(Either.getLeft(plan.check(event as Event)), ({ field }) => field))

describe("TrackingPlan", () => {
  it.effect("tracks by name, in the encoded form", () =>
    Effect.gen(function*() {
      yield* plan.track("Song Played", played, user)
      yield* plan.track("Song Skipped", { title: "So What", description: "early" }, user)
      yield* plan.track("Song Shared", { with: ["Ada"] }, user)
      yield* plan.track("App Opened").pipe(Amplitude.withEventOptions(user))
      yield* Amplitude.trackOrFail(plan.event("App Opened", {}, user))
      yield* Recorder.expect([
        {
          event_type: "Song Played",
          event_properties: { title: "So What", seconds: 562, at: "1970-01-01T00:00:00.000Z", duration_ms: "5" },
          ...user
        },
        { event_type: "Song Skipped", event_properties: { title: "So What", description: "early" } },
        { event_type: "Song Shared", event_properties: { with: ["Ada"] } },
        { event_type: "App Opened", ...user },
        { event_type: "App Opened", ...user }
      ])
      const [song] = yield* Recorder.tracked(plan.definitions["Song Played"])
      assert.deepStrictEqual(song?.event_properties, played)
    }).pipe(Effect.provide(AmplitudeTest)))

  it.effect("an event that is not of the plan is refused when it is tracked", () =>
    Effect.gen(function*() {
      const unknown = yield* Effect.flip(Amplitude.trackOrFail(plan.event("toString" as "App Opened", {}, user)))
      assert.strictEqual(
        unknown.message,
        "event_type: expected an event of the tracking plan, got an event that is not in it"
      )
      const wrong = yield* Effect.flip(
        Amplitude.trackOrFail(plan.event("Song Played", { ...played, seconds: "5" as unknown as number }, user))
      )
      assert.strictEqual((wrong as InvalidEvent).field, "event_properties.seconds")
      const more = yield* Effect.flip(Amplitude.trackOrFail(plan.event("App Opened", { more: 5 }, user)))
      assert.strictEqual((more as InvalidEvent).field, "event_properties.more")
      const defect = yield* Effect.flip(Effect.sandbox(plan.track("nowhere" as "App Opened", {}, user)))
      assert.strictEqual(defect._tag, "Die")
    }).pipe(Effect.provide(AmplitudeTest)))

  describe("check", () => {
    it("takes events of the plan, and gives them back", () => {
      const event = { event_type: "Song Skipped", event_properties: { title: "a", description: "b" }, ...user }
      assert.strictEqual(Either.getOrThrow(plan.check(event)), event)
      for (
        const event of [
          plan.event("Song Played", { ...played, source: "radio" }, user),
          { event_type: "App Opened" },
          { event_type: "App Opened", event_properties: {} },
          { event_type: "Song Skipped", event_properties: { title: "a", description: "b", properties: undefined } }
        ]
      ) {
        assert.isUndefined(fieldOf(event))
      }
    })

    it("names what is wrong, and never the value", () => {
      const encoded = { title: "a", seconds: 5, at: "1970", duration_ms: "5" }
      const song = (event_properties: unknown) => fieldOf({ event_type: "Song Played", event_properties })
      assert.isUndefined(song(encoded))
      assert.strictEqual(song(undefined), "event_properties.title")
      assert.strictEqual(song({ ...encoded, seconds: "5" }), "event_properties.seconds")
      assert.strictEqual(song({ ...encoded, seconds: -5 }), "event_properties.seconds")
      assert.strictEqual(song({ ...encoded, seconds: NaN }), "event_properties.seconds")
      assert.strictEqual(song({ ...encoded, source: "tape" }), "event_properties.source")
      assert.strictEqual(song({ ...encoded, ms: 5 }), "event_properties.ms")
      assert.strictEqual(song("title"), "event_properties")
      assert.strictEqual(
        fieldOf({ event_type: "Song Shared", event_properties: { with: [5] } }),
        "event_properties.with[0]"
      )
      assert.strictEqual(
        fieldOf({ event_type: "App Opened", event_properties: { secret: "s3cret" } }),
        "event_properties.secret"
      )
      for (const event_type of ["Song Plaid", "", "__proto__", "constructor", 5, undefined, null]) {
        assert.strictEqual(fieldOf({ event_type }), "event_type")
      }
      for (const event of [null, undefined, 5, "event"]) assert.isString(fieldOf(event))
      const left = plan.check({ event_type: "App Opened", event_properties: { secret: "s3cret" } })
      assert.notInclude(JSON.stringify(left), "s3cret")
    })

    it("hands on the fault of a constructor", () => {
      assert.strictEqual(fieldOf(SongShared({ with: [5] } as never)), "event_properties.with[0]")
      assert.strictEqual(fieldOf(Event.identify(Identify.empty)), "user_properties")
    })

    it("lets the events of the SDK itself pass, unless the plan has them", () => {
      for (
        const event of [
          Event.identify(Identify.empty.pipe(Identify.set("plan", "pro")), user),
          Event.groupIdentify("org", "15", Identify.empty.pipe(Identify.set("plan", "pro"))),
          Event.setGroup("org", "15", user),
          Event.revenue({ price: 1 }, user),
          { event_type: "[Amplitude] Page Viewed", event_properties: { any: 1 } }
        ]
      ) {
        assert.isUndefined(fieldOf(event))
      }
      const strict = TrackingPlan.make({ revenue_amount: { $price: Schema.Number } })
      assert.isTrue(Either.isLeft(strict.check(Event.revenue({ price: 1 }, user))))
    })

    it("takes whatever the plan's own constructors give", () => {
      FastCheck.assert(FastCheck.property(
        FastCheck.record({
          title: FastCheck.string(),
          seconds: FastCheck.double({ min: 0.001, noNaN: true, noDefaultInfinity: true }),
          at: FastCheck.date({ noInvalidDate: true }),
          source: FastCheck.constantFrom("radio" as const, "search" as const, undefined),
          ms: FastCheck.integer()
        }),
        (properties) => Either.isRight(plan.check(plan.event("Song Played", properties, user)))
      ))
    })
  })

  it.effect("a property that may be undefined may be missing, at any depth", () =>
    Effect.gen(function*() {
      const lax = TrackingPlan.make({
        Seen: {
          from: Schema.UndefinedOr(Schema.String),
          age: Schema.OptionFromUndefinedOr(Schema.Number),
          some: Schema.UndefinedOr(Schema.Number).pipe(Schema.filter((value) => value !== 5)),
          nothing: Schema.Void,
          inside: Schema.Struct({ from: Schema.UndefinedOr(Schema.String), page: Schema.Number })
        }
      })
      const absent = { from: undefined, some: undefined, nothing: undefined }
      const made = lax.event("Seen", { ...absent, age: Option.none(), inside: { from: undefined, page: 5 } }, user)
      assert.isTrue(Either.isRight(lax.check(made)))
      yield* Amplitude.track(made)
      const [sent] = yield* Recorder.events
      assert.deepStrictEqual(sent?.event_properties, { inside: { page: 5 } })
      assert.strictEqual(yield* lax.strict(sent!), sent)
      const checked = (event_properties: object) => Either.isRight(lax.check({ event_type: "Seen", event_properties }))
      assert.isTrue(checked({ from: "menu", age: 5, some: 6, inside: { from: "menu", page: 5 } }))
      assert.isFalse(checked({ inside: {} }))
      assert.isFalse(checked({ from: 5, inside: { page: 5 } }))
      assert.isFalse(checked({ inside: { from: 5, page: 5 } }))
      assert.deepInclude<object>(lax.jsonSchema.Seen, { required: ["inside"] })
      assert.include(lax.markdown, "| Seen |  | from | text | no |  |")
    }).pipe(Effect.provide(AmplitudeTest)))

  it.effect("a property that JSON cannot describe is anything", () =>
    Effect.gen(function*() {
      const When = Schema.DateFromSelf.annotations({ description: "When" })
      const lax = TrackingPlan.make({ Seen: { at: When, more: Schema.optional(When) } })
      const event = lax.event("Seen", { at: new Date(0) }, user)
      assert.isTrue(Either.isRight(lax.check(event)))
      assert.isTrue(Either.isLeft(lax.check({ event_type: "Seen" })))
      const any = { description: "When" }
      assert.deepInclude<object>(lax.jsonSchema.Seen, { required: ["at"], properties: { at: any, more: any } })
      assert.include(lax.markdown, "| Seen |  | at | anything | yes | When |")
      yield* Amplitude.trackOrFail(event)
      yield* Recorder.expect([{ event_type: "Seen", event_properties: { at: new Date(0) } }])
    }).pipe(Effect.provide(AmplitudeTest)))

  it.effect("strict drops what is not of the plan, and tells once of each kind", () => {
    const logged: Array<unknown> = []
    const logger = Logger.replace(Logger.defaultLogger, Logger.make(({ message }) => logged.push(String(message))))
    return Effect.gen(function*() {
      const good = plan.event("App Opened", {}, user)
      assert.strictEqual(yield* plan.strict(good), good)
      const bad = plan.event("Song Plaid" as "App Opened", {}, user)
      assert.deepStrictEqual(yield* plan.strict(bad), Option.none())
      assert.deepStrictEqual(yield* plan.strict(bad), Option.none())
      assert.deepStrictEqual(logged, [
        "an event that is not of the tracking plan was dropped: " +
        "event_type: expected an event of the tracking plan, got an event that is not in it"
      ])
    }).pipe(Effect.provide(logger))
  })

  it.effect("strict as a plugin", () =>
    Effect.gen(function*() {
      yield* plan.track("App Opened", {}, user)
      yield* Amplitude.track("Song Plaid", {}, user)
      yield* Amplitude.track("Song Shared", { with: "Ada" }, user)
      yield* Amplitude.revenue({ price: 1 }, user)
      yield* Recorder.expect([{ event_type: "App Opened" }, { event_type: "revenue_amount" }])
      const reports = yield* Recorder.reports
      assert.deepStrictEqual(reports.map((report) => report._tag === "Dropped" && report.reason), ["Plugin", "Plugin"])
    }).pipe(
      Effect.provide(
        Layer.provide(
          Recorder.layer({ plugins: [Plugin.before("plan", plan.strict)] }),
          Logger.remove(Logger.defaultLogger)
        )
      )
    ))

  it("JSON Schema", () => {
    assert.deepStrictEqual<unknown>(plan.jsonSchema["Song Played"], {
      $schema: "http://json-schema.org/draft-07/schema#",
      $defs: {
        NumberFromString: { type: "string", description: "a string to be decoded into a number" },
        DateFromString: { type: "string", description: "a string to be decoded into a Date" }
      },
      type: "object",
      description: "A song was played to its end",
      required: ["title", "seconds", "at", "duration_ms"],
      properties: {
        title: { type: "string", description: "As on the record" },
        seconds: { type: "number", description: "a positive number", title: "positive", exclusiveMinimum: 0 },
        at: { allOf: [{ $ref: "#/$defs/DateFromString" }], description: "When it ended" },
        source: { type: "string", enum: ["radio", "search"], description: "radio | search" },
        duration_ms: { $ref: "#/$defs/NumberFromString" }
      },
      additionalProperties: false
    })
    assert.deepStrictEqual<unknown>(plan.jsonSchema["App Opened"], {
      $schema: "http://json-schema.org/draft-07/schema#",
      type: "object",
      required: [],
      properties: {},
      additionalProperties: false
    })
    assert.deepStrictEqual<unknown>(plan.jsonSchema["Song Shared"], JSONSchema.make(SongShared.schema))
    assert.strictEqual(plan.jsonSchema, plan.jsonSchema)
    assert.deepStrictEqual(Object.keys(plan.jsonSchema), Object.keys(plan.definitions))
  })

  it("Markdown", () => {
    assert.strictEqual(
      plan.markdown,
      `| Event | Description | Property | Type | Required | Property description |
| --- | --- | --- | --- | --- | --- |
| Song Played | A song was played to its end | title | text | yes | As on the record |
|  |  | seconds | number | yes | a positive number |
|  |  | at | text | yes | When it ended |
|  |  | source | "radio" or "search" | no | radio \\| search |
|  |  | duration_ms | text | yes |  |
| Song Skipped |  | title | text | yes |  |
|  |  | description | text | yes |  |
|  |  | properties | true or false | no |  |
| Song Shared |  | with | list of text | yes |  |
| App Opened |  |  |  |  |  |
`
    )
    class Item extends Schema.Class<Item>("Item")({ sku: Schema.String }) {}
    class Escaped extends Schema.Class<Escaped>("shop/Item~1")({ sku: Schema.String }) {}
    interface Tree {
      readonly children: ReadonlyArray<Tree>
    }
    const Tree: Schema.Schema<Tree> = Schema.Struct({
      children: Schema.Array(Schema.suspend((): Schema.Schema<Tree> => Tree))
    }).annotations({ identifier: "Tree" })
    const { markdown } = TrackingPlan.make({
      "Odd\nName": {
        items: Schema.Array(Item),
        escaped: Escaped,
        count: Schema.Int.annotations({ description: "How\nmany" }),
        maybe: Schema.NullOr(Schema.Boolean),
        pair: Schema.Tuple(Schema.String, Schema.Number),
        anything: Schema.Unknown,
        record: Schema.Record({ key: Schema.String, value: Schema.Number }),
        union: Schema.Union(Schema.String, Schema.Array(Schema.String)),
        tree: Tree
      }
    })
    assert.deepStrictEqual(markdown.split("\n").slice(2, -1), [
      "| Odd Name |  | items | list of object | yes |  |",
      "|  |  | escaped | object | yes |  |",
      "|  |  | count | whole number | yes | How many |",
      "|  |  | maybe | true or false or nothing | yes |  |",
      "|  |  | pair | list | yes |  |",
      "|  |  | anything | anything | yes |  |",
      "|  |  | record | object | yes |  |",
      "|  |  | union | text or list of text | yes |  |",
      "|  |  | tree | object | yes |  |"
    ])
  })

  it("types", () => {
    const compiled = (_: () => unknown) => {}
    compiled(() => {
      expectTypeOf(plan.track("App Opened")).toEqualTypeOf<Effect.Effect<void, never, Amplitude>>()
      expectTypeOf(plan.event("Song Shared", { with: ["Ada"] })).toEqualTypeOf<Event>()
      expectTypeOf(plan.strict).toEqualTypeOf<(event: Event) => Effect.Effect<Event | Option.Option<Event>>>()
      expectTypeOf(plan.check({ event_type: "a" })).toEqualTypeOf<
        Either.Either<{ event_type: string }, InvalidEvent>
      >()
      expectTypeOf(plan.definitions["Song Shared"].event_type).toEqualTypeOf<"Song Shared">()
      expectTypeOf<typeof plan.definitions["Song Played"]["schema"]["Type"]>().toEqualTypeOf<{
        readonly title: string
        readonly seconds: number
        readonly at: Date
        readonly source?: "radio" | "search" | undefined
        readonly ms: number
      }>()
      void plan.track("Song Played", played, user)
      void plan.track("Song Skipped", { title: "a", description: "b" })
      void plan.track("App Opened", undefined, user)
      // @ts-expect-error not in the plan
      void plan.track("Song Plaid", played)
      // @ts-expect-error the properties are required
      void plan.track("Song Played")
      // @ts-expect-error one is missing
      void plan.track("Song Played", { title: "a" })
      // @ts-expect-error the type side is a Date
      void plan.track("Song Played", { ...played, at: "1970-01-01" })
      // @ts-expect-error misspelt
      void plan.track("Song Shared", { with: [], wiht: [] })
      // @ts-expect-error not a source
      void plan.track("Song Played", { ...played, source: "tape" })
      // @ts-expect-error those of another event
      void plan.event("Song Shared", { title: "a", description: "b" })
      // @ts-expect-error misspelt option
      void plan.track("App Opened", {}, { userId: "user-12345" })
      // @ts-expect-error not in the plan
      void plan.jsonSchema["Song Plaid"]
      // @ts-expect-error a property is a schema
      void TrackingPlan.make({ Opened: { title: "string" } })
      // @ts-expect-error its properties are missing
      void TrackingPlan.make({ Opened: { description: "opened" } })
      // @ts-expect-error defined under another name
      void TrackingPlan.make({ "Song Sheared": SongShared })
      const Needy = null as unknown as Schema.Schema<string, string, Amplitude>
      // @ts-expect-error encoding it needs a service
      void TrackingPlan.make({ Needy: { value: Needy } })
      // @ts-expect-error described, encoding it needs a service
      void TrackingPlan.make({ Needy: { properties: { value: Needy } } })
    })
  })
})
