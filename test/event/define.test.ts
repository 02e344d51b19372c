/** Events of `Event.define` with any schema and any values, compared with Schema as the oracle. */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Either, FastCheck, ParseResult, Redacted, Schema } from "effect"
import { AmplitudeConfig, Event } from "effect-amplitude"
import * as Encoder from "../../src/internal/event/encoder.js"
import * as PlainEncoder from "../../src/internal/event/plainEncoder.js"
import { validationIssueOf } from "../../src/internal/event/schemaIssue.js"
import { odd } from "../support/odd.js"

const numRuns = Number(process.env["PROPERTY_RUNS"] ?? 150)

const settings = { ...AmplitudeConfig.defaults, apiKey: Redacted.make("key") }
const user = { user_id: "user-12345" }

// -- schemas -----------------------------------------------------------------------------------------------------------

type AnySchema = Schema.Schema<any, any>
type AnyField = AnySchema | Schema.PropertySignature.All

const Quality = { Low: 0, High: "high" } as const

const text = Schema.String.pipe(Schema.maxLength(5))

interface List {
  readonly value: number
  readonly next: List | null
}

const List = Schema.Struct({
  value: Schema.Int,
  next: Schema.NullOr(Schema.suspend((): Schema.Schema<List> => List))
})

class Point extends Schema.Class<Point>("Point")({ x: Schema.Int, label: Schema.optional(text) }) {}

const plain: ReadonlyArray<AnySchema> = [
  Schema.String,
  Schema.Number,
  Schema.Boolean,
  Schema.Null,
  Schema.Undefined,
  Schema.Unknown,
  Schema.Literal("a", 1, true, null),
  Schema.Enums(Quality),
  Schema.TemplateLiteral("id-", Schema.Number)
]

const refined: ReadonlyArray<AnySchema> = [
  Schema.NonEmptyString,
  Schema.Finite,
  Schema.Int.pipe(Schema.positive({ description: "an integer above 0" })),
  text.pipe(Schema.brand("Name")),
  Schema.Array(Schema.Int).pipe(Schema.maxItems(2)),
  Schema.Struct({ from: Schema.Int, to: Schema.Int }).pipe(Schema.filter(({ from, to }) => from <= to))
]

const transforming: ReadonlyArray<AnySchema> = [
  Schema.Date,
  Schema.DateFromSelf,
  Schema.NumberFromString,
  Schema.Trim,
  Schema.OptionFromNullOr(Schema.Int),
  Schema.Struct({ at: Schema.Date, named: Schema.propertySignature(text).pipe(Schema.fromKey("name")) }),
  Schema.Struct({ a: Schema.Int }).pipe(Schema.rename({ a: "b" })),
  Point,
  List
]

const names = ["a", "b", "toJSON", "1"] as const

const fieldsOf = (schemas: FastCheck.Arbitrary<AnySchema>): FastCheck.Arbitrary<Schema.Struct.Fields> =>
  FastCheck.record(
    Object.fromEntries(names.map((name) => [
      name,
      schemas.chain((schema) =>
        FastCheck.constantFrom<AnyField>(
          schema,
          schema,
          Schema.optional(schema),
          Schema.optionalWith(schema, { exact: true }),
          Schema.optionalWith(schema, { nullable: true }),
          Schema.propertySignature(schema).pipe(Schema.fromKey(`${name} on the wire`)),
          Schema.UndefinedOr(schema)
        )
      )
    ])),
    { requiredKeys: [] }
  ) as FastCheck.Arbitrary<Schema.Struct.Fields>

const schemas: FastCheck.Arbitrary<AnySchema> = FastCheck.letrec<{ readonly schema: AnySchema }>((tie) => ({
  schema: FastCheck.oneof(
    { depthSize: "small", withCrossShrink: true },
    FastCheck.constantFrom(...plain),
    FastCheck.constantFrom(...plain),
    FastCheck.constantFrom(...refined),
    FastCheck.constantFrom(...transforming),
    tie("schema").map((item) => Schema.Array(item)),
    tie("schema").map((item) => Schema.NonEmptyArray(item)),
    tie("schema").map((item) => Schema.Tuple(text, Schema.optionalElement(item))),
    tie("schema").map((value) => Schema.Record({ key: Schema.String, value })),
    tie("schema").map((value) => Schema.Record({ key: Schema.NonEmptyString, value })),
    tie("schema").map((value) => Schema.Struct({ a: value }, { key: Schema.String, value: Schema.Unknown })),
    FastCheck.tuple(tie("schema"), tie("schema")).map(([left, right]) => Schema.Union(left, right)),
    fieldsOf(tie("schema")).map((fields) => Schema.Struct(fields) as unknown as AnySchema)
  )
})).schema

// -- values ------------------------------------------------------------------------------------------------------------

/** Replaces a part of a value, adds a member to an object, or changes the order of the members. */
const spoil = (value: unknown, picks: ReadonlyArray<number>, by: unknown): unknown => {
  const [pick = 0, ...rest] = picks
  if (typeof value !== "object" || value === null || pick % 5 === 0) return by
  if (Array.isArray(value)) {
    return value.length === 0
      ? [by]
      : value.map((item, index) => index === pick % value.length ? spoil(item, rest, by) : item)
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return by
  const members = Object.entries(value)
  switch (pick % 5) {
    case 1:
      return { ...value, [rest.length % 2 === 0 ? "a" : "excess"]: by }
    case 2:
      return Object.fromEntries(members.toReversed())
    case 3:
      return Object.defineProperty(
        { ...value },
        rest.length % 2 === 0 ? "a" : Symbol("hidden"),
        { value: by, enumerable: rest.length % 3 === 0 }
      )
    default:
      return Object.fromEntries(
        members.map((
          [name, member],
          index
        ) => [name, index === pick % members.length ? spoil(member, rest, by) : member])
      )
  }
}

const given = fieldsOf(schemas).chain((fields) => {
  const schema = Schema.Struct(fields) as unknown as AnySchema
  const right: FastCheck.Arbitrary<unknown> = Arbitrary.make(Schema.typeSchema(schema))
  const wrong = FastCheck.tuple(right, FastCheck.array(FastCheck.nat(20), { minLength: 1, maxLength: 5 }), odd)
    .map(([value, picks, by]) => spoil(value, picks, by))
  return FastCheck.record({
    fields: FastCheck.constant(fields),
    values: FastCheck.array(FastCheck.oneof(right, wrong), { minLength: 4, maxLength: 8 })
  })
})

// -- both ways ---------------------------------------------------------------------------------------------------------

const drafts = new Encoder.Drafts()

/** The JSON of an event, or its issue. */
const written = (event: unknown): unknown => {
  const draft = drafts.make()
  const issue = Encoder.read(draft, [event], undefined, settings)
  if (issue === undefined) draft.writer.closeObject()
  const result = issue ?? Encoder.jsonOf(draft)
  drafts.done(draft)
  return result
}

describe("Event.define", () => {
  it.prop("gives the verdict, the path of the fault and the bytes of Schema", [given], ([{ fields, values }]) => {
    const define = Event.define("Defined", fields as never) as (properties: unknown, options: object) => Event
    const encode = ParseResult.encodeUnknownEither(Schema.Struct(fields) as unknown as AnySchema, PlainEncoder.options)
    for (const properties of values) {
      const found = written(define(properties, user))
      const oracle = encode(properties === undefined ? {} : properties)
      assert.deepStrictEqual(
        found,
        Either.isRight(oracle)
          ? written({ ...user, event_type: "Defined", event_properties: oracle.right })
          : validationIssueOf(oracle.left, "event_properties")
      )
    }
  }, { fastCheck: { numRuns }, timeout: 60_000 })
})
