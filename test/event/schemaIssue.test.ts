import { assert, describe, it } from "@effect/vitest"
import { Either, Option, ParseResult, Schema } from "effect"
import { Properties } from "../../src/internal/event/properties.js"
import { validationIssueOf } from "../../src/internal/event/schemaIssue.js"
import { join } from "../../src/internal/event/validationIssue.js"

const secret = "the-secret"

const issueOf = <A, I>(schema: Schema.Schema<A, I>, value: unknown): ParseResult.ParseIssue =>
  Option.getOrThrow(Either.getLeft(ParseResult.decodeUnknownEither(schema, { onExcessProperty: "error" })(value)))

const Name = Schema.String.pipe(Schema.maxLength(3, { description: "a string of at most 3 characters" }))

const Shape = Schema.Struct({
  name: Schema.optional(Name),
  groups: Schema.optional(Schema.Union(Schema.String, Schema.Array(Schema.String))),
  zone: Schema.optional(Schema.Literal("US", "EU")),
  list: Schema.optional(Schema.Array(Schema.Struct({ "a b": Schema.Number }))),
  pair: Schema.optional(Schema.Tuple(Schema.String, Schema.Boolean)),
  count: Schema.optional(Schema.NumberFromString),
  either: Schema.optional(Schema.Union(Schema.Struct({ a: Schema.Number }), Schema.Number)),
  names: Schema.optional(Schema.Array(Name).pipe(Schema.minItems(1, { description: "a list of names" }))),
  required: Schema.optional(Schema.Struct({ properties: Properties })),
  late: Schema.optional(Schema.Union(Schema.Undefined, Name)),
  shapes: Schema.optional(Schema.Union(Schema.Struct({ a: Schema.Number }), Schema.Struct({ b: Schema.Number }))),
  prefixed: Schema.optional(Schema.Record({ key: Schema.TemplateLiteral("a", Schema.String), value: Schema.Number })),
  properties: Schema.optional(Properties),
  date: Schema.optional(Schema.DateFromSelf),
  kind: Schema.optional(Schema.Enums({ One: 1, Two: "two" }))
})

const table: ReadonlyArray<readonly [value: unknown, path: string, expected: string, actual: string]> = [
  [secret, "", "an object", "a string"],
  [null, "", "an object", "null"],
  [{ name: 1 }, "name", "a string of at most 3 characters", "a number"],
  [{ name: secret }, "name", "a string of at most 3 characters", "a string"],
  [{ groups: 1 }, "groups", "a string or an array of which each is a string", "a number"],
  [{ groups: ["a", 1] }, "groups[1]", "a string", "a number"],
  [{ zone: secret }, "zone", `"US" or "EU"`, "a string"],
  [{ list: [{ "a b": 1 }, { "a b": secret }] }, `list[1]["a b"]`, "a number", "a string"],
  [{ list: [{}] }, `list[0]["a b"]`, "a number", "undefined"],
  [{ list: [{ "a b": 1, [secret]: 1 }] }, `list[0]["${secret}"]`, "one of a b", "an unknown field"],
  [{ pair: [] }, "pair[0]", "a string", "undefined"],
  [{ pair: [secret, true, secret] }, "pair[2]", "no such field", "a string"],
  [{ pair: 1 }, "pair", "an array", "a number"],
  [{ count: true }, "count", "a string to be decoded into a number", "a boolean"],
  [{ either: { a: secret } }, "either.a", "a number", "a string"],
  [{ either: secret }, "either", "an object or a number", "a string"],
  [{ names: [] }, "names", "a list of names", "an array"],
  [{ names: secret }, "names", "a list of names", "a string"],
  [{ names: ["ok", secret] }, "names[1]", "a string of at most 3 characters", "a string"],
  [{ required: {} }, "required.properties", "an object", "undefined"],
  [{ late: secret }, "late", "a string of at most 3 characters", "a string"],
  [{ either: { a: 1, c: secret } }, "either.c", "one of a", "an unknown field"],
  [{ shapes: secret }, "shapes", "an object", "a string"],
  [{ prefixed: { b: secret } }, "prefixed.b", "no such field", "a string"],
  [{ properties: { a: { b: [1n] } } }, "properties.a.b[0]", "a value that JSON can hold", "a bigint"],
  [{ properties: secret }, "properties", "an object", "a string"],
  [{ date: secret }, "date", "a potentially invalid Date instance", "a string"],
  [{ kind: secret }, "kind", `one of 1, "two"`, "a string"]
]

describe("validationIssueOf", () => {
  it("gives the path, the words of the schema and the kind of the value", () => {
    for (const [value, path, expected, actual] of table) {
      assert.deepStrictEqual(validationIssueOf(issueOf(Shape, value), ""), { path, expected, actual })
    }
  })

  it("gives the path of ParseResult.ArrayFormatter, but for what is inside properties", () => {
    for (const [value, path] of table) {
      if (path.startsWith("properties.")) continue
      const paths = ParseResult.ArrayFormatter.formatIssueSync(issueOf(Shape, value)).map((issue) => issue.path)
      assert.include(paths.map((keys) => keys.reduce<string>((joined, key) => join(joined, key), "")), path)
    }
  })

  it("never holds a value", () => {
    for (const [value, path] of table) {
      const { actual, expected } = validationIssueOf(issueOf(Shape, value), "")
      assert.notInclude(`${expected} ${actual}`, secret, path)
    }
  })

  it("speaks of the side on which the fault is", () => {
    const encode = ParseResult.encodeUnknownEither(Schema.Struct({
      count: Schema.NumberFromString.annotations({ description: "a count" }),
      at: Schema.optional(Schema.DateFromNumber)
    }))
    const found = (value: unknown) =>
      validationIssueOf(Option.getOrThrow(Either.getLeft(encode(value))), "event_properties")
    assert.deepStrictEqual(found({ count: secret }), {
      path: "event_properties.count",
      expected: "a number",
      actual: "a string"
    })
    assert.strictEqual(found({}).path, "event_properties.count")
    assert.strictEqual(found({ count: 1, at: secret }).path, "event_properties.at")
  })

  it("begins at a path of the caller's", () => {
    assert.strictEqual(validationIssueOf(issueOf(Shape, { pair: 1 }), "events[2]").path, "events[2].pair")
    assert.strictEqual(validationIssueOf(issueOf(Shape, 1), "events[2]").path, "events[2]")
  })

  it("speaks of a value that cannot be looked at", () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    assert.deepStrictEqual(validationIssueOf(issueOf(Schema.Struct({ a: Schema.Number }), { a: proxy }), ""), {
      path: "a",
      expected: "a number",
      actual: "an object"
    })
  })

  it("speaks of properties that are wrong only sometimes", () => {
    let reads = 0
    const value = {
      get a() {
        return ++reads === 1 ? 1n : 1
      }
    }
    assert.deepStrictEqual(validationIssueOf(issueOf(Properties, value), "event_properties"), {
      path: "event_properties",
      expected: "values that can be read",
      actual: "values that change while they are read"
    })
  })
})
