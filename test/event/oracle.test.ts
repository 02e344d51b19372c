/** Each fast encoder, compared with Schema as the oracle. */
import { assert, describe, it } from "@effect/vitest"
import { Either, FastCheck, ParseResult, Redacted, Schema } from "effect"
import { AmplitudeConfig, Event, Identify, Revenue } from "effect-amplitude"
import * as InternalIdentify from "../../src/Identify.js"
import * as Encoder from "../../src/internal/event/encoder.js"
import * as PlainEncoder from "../../src/internal/event/plainEncoder.js"
import { copyProperties, Properties } from "../../src/internal/event/properties.js"
import { guarded } from "../../src/internal/event/validationIssue.js"
import { Revenue as InternalRevenue } from "../../src/Revenue.js"
import { odd } from "../support/odd.js"

const numRuns = 500

const settings = { ...AmplitudeConfig.defaults, apiKey: Redacted.make("key") }

/** A value as it is sent, without omitted members. */
const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

const text = FastCheck.string({ unit: "grapheme", maxLength: 8 })

const jsonValue = FastCheck.jsonValue({ maxDepth: 3 })

const value = FastCheck.oneof(
  text,
  FastCheck.integer(),
  FastCheck.double(),
  FastCheck.boolean(),
  FastCheck.array(text, { maxLength: 3 }),
  FastCheck.dictionary(text, text, { maxKeys: 3 }),
  jsonValue,
  odd
)

describe("PlainEncoder", () => {
  const Quality = { Low: 0, High: "high" } as const

  /** A schema, and values of its type. */
  const cases: ReadonlyArray<readonly [schema: Schema.Schema<any, any>, values: FastCheck.Arbitrary<unknown>]> = [
    [Schema.String, text],
    [Schema.Number, FastCheck.double()],
    [Schema.Finite, FastCheck.double()],
    [Schema.Boolean, FastCheck.boolean()],
    [Schema.Unknown, value],
    [Schema.Any, value],
    [Schema.Undefined, FastCheck.constant(undefined)],
    [Schema.Null, FastCheck.constant(null)],
    [Schema.Literal("a", 1, true, null), FastCheck.constantFrom("a", 1, true, null)],
    [Schema.Enums(Quality), FastCheck.constantFrom(Quality.Low, Quality.High, "Low")],
    [Schema.NonEmptyString, text],
    [Schema.Int.pipe(Schema.positive()), FastCheck.integer()],
    [Schema.Array(Schema.NullOr(Schema.String)), FastCheck.array(FastCheck.option(text), { maxLength: 3 })],
    [Schema.NonEmptyArray(Schema.Int), FastCheck.array(FastCheck.integer(), { maxLength: 3 })],
    [Schema.Tuple(Schema.String, Schema.Int), FastCheck.tuple(text, FastCheck.integer())],
    [Schema.Array(Schema.Array(Schema.Int)), FastCheck.array(FastCheck.array(FastCheck.integer()), { maxLength: 3 })],
    [
      Schema.Record({ key: Schema.String, value: Schema.Finite }),
      FastCheck.dictionary(text, FastCheck.double(), { maxKeys: 3 })
    ],
    [
      Schema.Record({ key: Schema.NonEmptyString, value: Schema.String }),
      FastCheck.dictionary(text, text, { maxKeys: 3 })
    ],
    [Schema.Union(Schema.String, Schema.Array(Schema.String)), FastCheck.oneof(text, FastCheck.array(text))],
    [
      Schema.Union(Schema.Struct({ a: Schema.String }), Schema.Struct({ a: Schema.String, b: Schema.Int })),
      FastCheck.record({ a: text, b: FastCheck.integer() }, { requiredKeys: ["a"] })
    ],
    [Schema.Union(Schema.Unknown, Schema.NumberFromString), FastCheck.oneof(text, FastCheck.double())],
    [
      Schema.Struct({ a: Schema.String, b: Schema.optional(Schema.Int), c: Schema.UndefinedOr(Schema.Boolean) }),
      FastCheck.record({ a: text, b: FastCheck.integer(), c: FastCheck.boolean() }, { requiredKeys: ["a"] })
    ],
    [Schema.Struct({}), value],
    [
      Schema.Struct({ a: Schema.Number, b: Schema.Number }).pipe(Schema.filter(({ a, b }) => a <= b)),
      FastCheck.record({ a: FastCheck.integer(), b: FastCheck.integer() })
    ],
    [
      Schema.Struct({ at: Schema.Date, n: Schema.NumberFromString }),
      FastCheck.record({
        at: FastCheck.date({ noInvalidDate: false }),
        n: FastCheck.double()
      })
    ],
    [
      Schema.Struct({ a: Schema.propertySignature(Schema.String).pipe(Schema.fromKey("b")) }),
      FastCheck.record({ a: text })
    ],
    [Schema.Struct({ open: Schema.optional(Properties) }), FastCheck.record({ open: value })],
    [Schema.URL, FastCheck.webUrl().map((url) => new URL(url))],
    [
      Schema.Struct({ nested: Schema.Struct({ list: Schema.Array(Schema.Struct({ at: Schema.Date })) }) }),
      FastCheck.record({
        nested: FastCheck.record({
          list: FastCheck.array(FastCheck.record({ at: FastCheck.date() }), { maxLength: 2 })
        })
      })
    ]
  ]

  const given = FastCheck.constantFrom(...cases).chain(([schema, values]) =>
    FastCheck.tuple(FastCheck.constant(schema), FastCheck.oneof({ weight: 3, arbitrary: values }, value))
  )

  /** Whether the encoder passes a value on unchecked, because it is checked when it is written. */
  const isOpen = (schema: Schema.Schema<any, any>) => "fields" in schema && "open" in (schema.fields as object)

  it.prop("accepts nothing that Schema refuses, and gives what Schema gives", [given], ([[schema, input]]) => {
    const plain = PlainEncoder.make(schema)(input)
    if (plain === PlainEncoder.undecided) return
    const oracle = ParseResult.encodeUnknownEither(schema, PlainEncoder.options)(input)
    if (Either.isLeft(oracle)) assert.isTrue(isOpen(schema), JSON.stringify(plain))
    else assert.deepStrictEqual(plain, oracle.right)
  }, { fastCheck: { numRuns: 1000 }, timeout: 60_000 })

  it("decides what is right and plain itself", () => {
    const schema = Schema.Struct({
      title: Schema.NonEmptyString,
      seconds: Schema.optional(Schema.Int),
      tags: Schema.Array(Schema.String),
      quality: Schema.Literal("low", "high")
    })
    const song = { title: "So What", tags: ["jazz"], quality: "high" }
    const encoded = PlainEncoder.make(schema)(song)
    assert.deepStrictEqual(encoded, song)
    assert.notStrictEqual((encoded as typeof song).tags, song.tags)
    assert.strictEqual(PlainEncoder.make(schema)({ ...song, title: "" }), PlainEncoder.undecided)
    assert.strictEqual(PlainEncoder.make(schema)({ ...song, artist: "Miles Davis" }), PlainEncoder.undecided)
  })
})

describe("the fields of an event", () => {
  const oracle = ParseResult.validateEither(Schema.Struct(Event.fields), { onExcessProperty: "error" })

  const rightValues: FastCheck.Arbitrary<unknown> = FastCheck.oneof(
    text,
    FastCheck.integer(),
    FastCheck.double({ noNaN: true }),
    FastCheck.boolean(),
    FastCheck.date(),
    FastCheck.dictionary(text, FastCheck.oneof(text, FastCheck.array(text, { maxLength: 3 })), { maxKeys: 3 }),
    FastCheck.dictionary(text, jsonValue, { maxKeys: 3 }),
    FastCheck.record({ branch: text, versionId: text }, { requiredKeys: [] }),
    FastCheck.record({ source_name: text }, { requiredKeys: [] }),
    FastCheck.constant(undefined)
  )

  /** Schema refuses a key that is a symbol or cannot be enumerated, which JSON does not see. */
  const hasUnseenKeys = (value: unknown): boolean =>
    typeof value === "object" && value !== null && !Array.isArray(value) &&
    Reflect.ownKeys(value).length > Object.keys(value).length

  const field = FastCheck.tuple(
    FastCheck.constantFrom(...Object.keys(Event.fields), "no_such_field", "constructor"),
    FastCheck.oneof({ weight: 4, arbitrary: rightValues }, odd.filter((value) => !hasUnseenKeys(value)))
  )

  // an event without a type is refused later, with the ids
  const events = FastCheck.array(field, { maxLength: 4 })
    .map((fields): { readonly [name: string]: unknown } => Object.fromEntries([["event_type", "type"], ...fields]))
    .filter(({ event_type }) => event_type !== undefined)

  const drafts = new Encoder.Drafts()

  const read = (...given: Encoder.Given) => {
    const draft = drafts.make()
    const issue = Encoder.read(draft, given, undefined, settings)
    const event = issue === undefined ? Encoder.toEvent(draft) : undefined
    drafts.done(draft)
    return { issue, event }
  }

  /** A checked event as it is sent: the library is added later. */
  const expected = ({ library: _, time, ...fields }: { readonly [name: string]: any }): unknown => ({
    ...json({ ...fields, time: time instanceof Date ? time.getTime() : time }) as object,
    // JSON.stringify writes null for an omitted element of an array
    ...Object.fromEntries(
      ["event_properties", "user_properties", "group_properties"].flatMap((name) =>
        fields[name] === undefined ? [] : [[name, Either.getOrThrow(copyProperties(fields[name], name))]]
      )
    )
  })

  it.prop("are refused and written as Schema says", [events], ([event]) => {
    const { issue, event: written } = read(event)
    const decided = oracle(event)
    assert.strictEqual(issue === undefined, Either.isRight(decided), `${issue?.path} ${issue?.expected}`)
    if (Either.isRight(decided)) assert.deepStrictEqual(json(written), expected(decided.right))
  }, { fastCheck: { numRuns: 1000 }, timeout: 60_000 })

  it.prop("an event type with properties and options is the same event", [events], ([event]) => {
    const { event_properties, event_type, ...options } = event
    const whole = read(event)
    const parts = read(event_type, event_properties, options)
    assert.strictEqual(whole.issue === undefined, typeof event_type === "string" && parts.issue === undefined)
    if (whole.event !== undefined) assert.deepStrictEqual(json(parts.event), json(whole.event))
  }, { fastCheck: { numRuns }, timeout: 60_000 })
})

describe("Identify", () => {
  const operation = FastCheck.constantFrom(
    "$set",
    "$setOnce",
    "$add",
    "$append",
    "$prepend",
    "$preInsert",
    "$postInsert",
    "$remove",
    "$unset",
    "$clearAll",
    "$other"
  )
  const members = FastCheck.oneof(
    FastCheck.dictionary(text, FastCheck.oneof(jsonValue, FastCheck.constant("-"), odd), { maxKeys: 2 }),
    FastCheck.dictionary(text, FastCheck.double(), { maxKeys: 2 }),
    FastCheck.constant("-"),
    value
  )
  const operations = FastCheck.array(FastCheck.tuple(operation, members), { maxLength: 3 }).map(Object.fromEntries)

  it.prop("the quick check and the writer accept what the schema accepts", [operations], ([operations]) => {
    const identify = Object.assign(Object.create(Identify.Identify.prototype) as Identify.Identify, { operations })
    const isAccepted = InternalIdentify.check(identify, "user_properties") === undefined
    const written = guarded("user_properties", () => copyProperties(operations, "user_properties"))
    const decided = InternalIdentify.validate(identify, "user_properties")
    assert.strictEqual(isAccepted && Either.isRight(written), Either.isRight(decided))
    if (isAccepted && Either.isRight(written)) {
      assert.deepStrictEqual(json(written.right), json(Either.getOrThrow(decided).operations))
    }
  }, { fastCheck: { numRuns: 1000 }, timeout: 60_000 })
})

describe("Revenue", () => {
  const fields = FastCheck.record({
    price: FastCheck.oneof({ weight: 4, arbitrary: FastCheck.double() }, value),
    quantity: FastCheck.oneof({ weight: 4, arbitrary: FastCheck.integer({ min: -1, max: 3 }) }, value),
    productId: FastCheck.oneof({ weight: 4, arbitrary: text }, value),
    currency: FastCheck.oneof({ weight: 4, arbitrary: text }, value),
    revenue: FastCheck.oneof({ weight: 4, arbitrary: FastCheck.double() }, value),
    properties: FastCheck.oneof({ weight: 4, arbitrary: FastCheck.dictionary(text, jsonValue, { maxKeys: 3 }) }, value),
    no_such_field: text
  }, { requiredKeys: [] })

  it.prop("the quick way accepts nothing that the schema refuses, and gives the same", [fields], ([given]) => {
    const input = given as Revenue.Input
    const quick = InternalRevenue.plainEventProperties(input)
    if (quick === undefined) return
    const revenue = Either.getOrThrow(InternalRevenue.validate(input))
    assert.deepStrictEqual(
      Either.getOrThrow(copyProperties(quick, "event_properties")),
      Either.getOrThrow(copyProperties(InternalRevenue.toEventProperties(revenue), "event_properties"))
    )
  }, { fastCheck: { numRuns: 1000 }, timeout: 60_000 })

  it("decides what is right and plain itself", () => {
    assert.deepStrictEqual(
      InternalRevenue.plainEventProperties(new Revenue({ price: 3.99, properties: { color: "red" } })),
      { color: "red", $price: 3.99, $quantity: 1 }
    )
  })
})
