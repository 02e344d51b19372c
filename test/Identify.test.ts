import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Equal, FastCheck, Hash, Option, pipe, Schema } from "effect"
import * as Identify from "../src/Identify.js"

type Operation = Exclude<keyof Identify.Operations, "$clearAll">

interface Step {
  readonly operation: Operation | "$clearAll"
  readonly property: string
  readonly value: unknown
}

const operations: ReadonlyArray<Operation> = [
  "$set",
  "$setOnce",
  "$add",
  "$append",
  "$prepend",
  "$preInsert",
  "$postInsert",
  "$remove",
  "$unset"
]

const hostileNames = [
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "valueOf",
  "prototype",
  "toJSON",
  "$set",
  ""
]

const names = FastCheck.oneof(
  { weight: 4, arbitrary: FastCheck.constantFrom("a", "b", "c", ...hostileNames) },
  { weight: 1, arbitrary: FastCheck.string() }
)

const finite = FastCheck.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0)

const stepsWith = (values: FastCheck.Arbitrary<unknown>): FastCheck.Arbitrary<ReadonlyArray<Step>> =>
  FastCheck.array(
    FastCheck.oneof(
      {
        weight: 20,
        arbitrary: FastCheck.constantFrom(...operations).chain((operation) =>
          FastCheck.record<Step>({
            operation: FastCheck.constant(operation),
            property: names,
            value: operation === "$unset" ? FastCheck.constant("-") : operation === "$add" ? finite : values
          })
        )
      },
      { weight: 1, arbitrary: FastCheck.constant<Step>({ operation: "$clearAll", property: "", value: "-" }) }
    ),
    { maxLength: 12, size: "max" }
  )

/** Negative zero is no value of JSON. */
const jsonValues = FastCheck.jsonValue({ maxDepth: 4 }).map((value): unknown => JSON.parse(JSON.stringify(value)))

const jsonSteps = stepsWith(jsonValues)

const anything = FastCheck.anything({
  withBigInt: true,
  withBoxedValues: true,
  withDate: true,
  withMap: true,
  withNullPrototype: true,
  withObjectString: true,
  withSet: true,
  withSparseArray: true,
  withTypedArray: true
})

const dataLast = ({ operation, property, value }: Step): (self: Identify.Identify) => Identify.Identify => {
  switch (operation) {
    case "$set":
      return Identify.set(property, value)
    case "$setOnce":
      return Identify.setOnce(property, value)
    case "$add":
      return Identify.add(property, value as number)
    case "$append":
      return Identify.append(property, value)
    case "$prepend":
      return Identify.prepend(property, value)
    case "$preInsert":
      return Identify.preInsert(property, value)
    case "$postInsert":
      return Identify.postInsert(property, value)
    case "$remove":
      return Identify.remove(property, value)
    case "$unset":
      return Identify.unset(property)
    case "$clearAll":
      return Identify.clearAll
  }
}

const dataFirst = (self: Identify.Identify, { operation, property, value }: Step): Identify.Identify => {
  switch (operation) {
    case "$set":
      return Identify.set(self, property, value)
    case "$setOnce":
      return Identify.setOnce(self, property, value)
    case "$add":
      return Identify.add(self, property, value as number)
    case "$append":
      return Identify.append(self, property, value)
    case "$prepend":
      return Identify.prepend(self, property, value)
    case "$preInsert":
      return Identify.preInsert(self, property, value)
    case "$postInsert":
      return Identify.postInsert(self, property, value)
    case "$remove":
      return Identify.remove(self, property, value)
    case "$unset":
      return Identify.unset(self, property)
    case "$clearAll":
      return Identify.clearAll(self)
  }
}

const build = (steps: ReadonlyArray<Step>): Identify.Identify =>
  steps.reduce((identify, step) => dataLast(step)(identify), Identify.empty)

type Flat = ReadonlyArray<readonly [operation: string, property: string, value: unknown]>

const sorted = (flat: Flat): Flat => [...flat].sort((a, b) => a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0)

const flatten = (identify: Identify.Identify): Flat =>
  sorted(
    Object.entries(identify.operations).flatMap(([operation, properties]): Flat =>
      typeof properties === "string"
        ? [[operation, "", properties]]
        : Object.entries(properties).map(([property, value]) => [operation, property, value] as const)
    )
  )

/** A simple model of the combinators. */
const model = (steps: ReadonlyArray<Step>): Flat => {
  const first = new Map<string, readonly [string, string, unknown]>()
  for (const { operation, property, value } of steps) {
    if (operation === "$clearAll") return [["$clearAll", "", "-"]]
    if (!first.has(property)) first.set(property, [operation, property, value])
  }
  return sorted([...first.values()])
}

const own = (name: string, value: unknown): Record<string, unknown> => ({ [name]: value })

const issueOf = (identify: unknown) => Option.getOrThrow(Either.getLeft(Identify.validate(identify, "user_properties")))

describe("Identify", () => {
  describe("wire form", () => {
    const only = (step: Step) => build([step]).operations

    it("is exact for each operation", () => {
      for (const operation of operations) {
        if (operation === "$unset" || operation === "$add") continue
        const value = ["a", 1, true, null, { nested: ["b"] }]
        assert.deepStrictEqual(only({ operation, property: "p", value }), { [operation]: { p: value } })
        assert.deepStrictEqual(only({ operation, property: "p", value: "one" }), { [operation]: { p: "one" } })
      }
      assert.deepStrictEqual(Identify.empty.pipe(Identify.add("p", -0.5)).operations, { $add: { p: -0.5 } })
      assert.deepStrictEqual(Identify.empty.pipe(Identify.unset("p")).operations, { $unset: { p: "-" } })
      assert.deepStrictEqual(Identify.empty.pipe(Identify.clearAll).operations, { $clearAll: "-" })
      assert.deepStrictEqual(Identify.empty.operations, {})
    })

    it("gathers the properties of one operation", () => {
      const identify = Identify.empty.pipe(
        Identify.set("plan", "pro"),
        Identify.add("logins", 1),
        Identify.set("locale", "en-us"),
        Identify.unset("trial")
      )
      assert.deepStrictEqual(identify.operations, {
        $set: { plan: "pro", locale: "en-us" },
        $add: { logins: 1 },
        $unset: { trial: "-" }
      })
      assert.strictEqual(
        JSON.stringify(identify.operations),
        `{"$set":{"plan":"pro","locale":"en-us"},"$add":{"logins":1},"$unset":{"trial":"-"}}`
      )
    })
  })

  describe("laws", () => {
    it.prop("the first operation of a property wins, and clearAll stands alone", [jsonSteps], ([steps]) => {
      assert.deepStrictEqual(flatten(build(steps)), model(steps))
    })

    it("the first of any two operations wins, whatever the second one is", () => {
      for (const first of operations) {
        for (const second of operations) {
          for (const property of ["p", ...hostileNames]) {
            const before = build([{ operation: first, property, value: 1 }])
            const after = dataLast({ operation: second, property, value: 2 })(before)
            assert.deepStrictEqual(flatten(after), [[first, property, first === "$unset" ? "-" : 1]])
          }
        }
      }
    })

    it.prop("clearAll drops what was before it and ignores what follows", [jsonSteps, jsonSteps], ([before, after]) => {
      const cleared = Identify.clearAll(build(before))
      assert.deepStrictEqual(cleared.operations, { $clearAll: "-" })
      const followed = after.reduce((identify, step) => dataLast(step)(identify), cleared)
      assert.deepStrictEqual(followed.operations, { $clearAll: "-" })
    })

    it.prop("data-first and data-last agree", [jsonSteps, jsonSteps], ([steps, more]) => {
      const identify = build(steps)
      for (const step of more) {
        const first = dataFirst(identify, step)
        const last = identify.pipe(dataLast(step))
        assert.deepStrictEqual(first.operations, last.operations)
        assert.isTrue(Equal.equals(first, last))
      }
    })

    it.prop("no combinator changes the value that it is given", [jsonSteps, jsonSteps], ([steps, more]) => {
      const identify = build(steps)
      const before = JSON.stringify(identify.operations)
      for (const step of [...more, { operation: "$clearAll", property: "", value: "-" } as const]) {
        dataFirst(identify, step)
        assert.strictEqual(JSON.stringify(identify.operations), before)
      }
      assert.deepStrictEqual(Identify.empty.operations, {})
    })

    it.prop("encoding and decoding give the same value", [jsonSteps], ([steps]) => {
      const identify = build(steps)
      const encoded = Schema.encodeSync(Identify.Identify)(identify)
      assert.deepStrictEqual(encoded.operations, identify.operations)
      const decoded = Schema.decodeUnknownSync(Identify.Identify)(encoded)
      assert.instanceOf(decoded, Identify.Identify)
      assert.deepStrictEqual(flatten(decoded), flatten(identify))
      assert.isTrue(Equal.equals(decoded, identify))
    })

    it.prop("so does the way through JSON", [jsonSteps], ([steps]) => {
      const identify = build(steps)
      const json = JSON.stringify(Schema.encodeSync(Identify.Identify)(identify))
      const decoded = Schema.decodeUnknownSync(Schema.parseJson(Identify.Identify))(json)
      assert.deepStrictEqual(flatten(decoded), flatten(identify))
      assert.isTrue(Equal.equals(decoded, identify))
      assert.strictEqual(Hash.hash(decoded), Hash.hash(identify))
    })

    it.prop("equality is that of the operations, in whatever order", [jsonSteps, jsonSteps], ([steps, more]) => {
      const [left, right] = [build(steps), build(more)]
      const same = JSON.stringify(model(steps).map(canonical)) === JSON.stringify(model(more).map(canonical))
      assert.strictEqual(Equal.equals(left, right), same)

      const firsts = model(steps).map(([operation, property, value]) => ({ operation, property, value }) as Step)
      const shuffled = build([...firsts].reverse())
      assert.isTrue(Equal.equals(left, shuffled))
      assert.strictEqual(Hash.hash(left), Hash.hash(shuffled))
    })

    it.prop(
      "nothing throws, whatever it is given",
      [anything, anything, stepsWith(anything)],
      ([one, other, steps]) => {
        const identify = build(steps)
        for (const operation of [...operations, "$clearAll"] as const) {
          const step = { operation, property: one, value: other } as Step
          assert.isTrue(Identify.isIdentify(dataLast(step)(identify)))
          assert.isTrue(Identify.isIdentify(dataFirst(identify, step)))
          assert.isTrue(Identify.isIdentify(dataLast(step)(one as Identify.Identify)))
          assert.isTrue(Either.isEither(Identify.validate(one, "user_properties")))
          assert.isTrue(Either.isEither(Identify.validateOperations(one, "user_properties")))
        }
        assert.isTrue(Either.isEither(Identify.validate(identify, "user_properties")))
      }
    )
  })

  describe("immutability", () => {
    it("operations are frozen", () => {
      const identify = Identify.empty.pipe(Identify.set("plan", "pro"), Identify.unset("trial"))
      for (const frozen of [Identify.empty, Identify.empty.operations, identify, identify.operations]) {
        assert.isTrue(Object.isFrozen(frozen))
      }
      assert.isTrue(Object.isFrozen(identify.operations.$set))
      assert.isTrue(Object.isFrozen(identify.operations.$unset))
      assert.isTrue(Object.isFrozen(Identify.clearAll(identify).operations))
    })

    it("a value can be built on twice", () => {
      const base = Identify.empty.pipe(Identify.set("a", 1))
      const left = base.pipe(Identify.set("b", 2))
      const right = base.pipe(Identify.set("b", 3))
      assert.deepStrictEqual(left.operations, { $set: { a: 1, b: 2 } })
      assert.deepStrictEqual(right.operations, { $set: { a: 1, b: 3 } })
    })

    it("an ignored operation gives the same value", () => {
      const identify = Identify.empty.pipe(Identify.set("a", 1))
      assert.strictEqual(Identify.add(identify, "a", 1), identify)
      const cleared = Identify.clearAll(identify)
      assert.strictEqual(Identify.add(cleared, "a", 1), cleared)
    })

    it("equality sees nested values, and hashes without touching the frozen value", () => {
      const make = (last: number) => Identify.empty.pipe(Identify.set("a", { b: [1, { c: last }] }))
      assert.isTrue(Equal.equals(make(2), make(2)))
      assert.strictEqual(Hash.hash(make(2)), Hash.hash(make(2)))
      assert.isFalse(Equal.equals(make(2), make(3)))
      assert.isFalse(
        Equal.equals(Identify.empty.pipe(Identify.set("a", [])), Identify.empty.pipe(Identify.set("a", {})))
      )
      assert.isFalse(
        Equal.equals(Identify.empty.pipe(Identify.set("a", 1)), Identify.empty.pipe(Identify.setOnce("a", 1)))
      )
      const of = (value: unknown) => Identify.empty.pipe(Identify.set("a", value))
      assert.isFalse(Equal.equals(of([1]), of([1, 2])))
      assert.isFalse(Equal.equals(of([1, 2]), of([1])))
      assert.isFalse(Equal.equals(of({ b: undefined }), of({ c: undefined })))
      assert.isFalse(Equal.equals(of(new Map([[1, 1]])), of(new Map())))
      assert.isTrue(Equal.equals(of(NaN), of(NaN)))
      assert.isTrue(Equal.equals(of(new Date(0)), of(new Date(0))))
      assert.isFalse(Equal.equals(Identify.empty, { operations: {} }))
      assert.isFalse(Identify.empty[Equal.symbol]({ operations: {} }))
    })
  })

  describe("hostile names", () => {
    it("are ordinary names", () => {
      for (const name of hostileNames) {
        const identify = Identify.empty.pipe(Identify.set(name, { polluted: true }))
        const properties = identify.operations.$set
        assert.isDefined(properties)
        assert.deepStrictEqual(Object.keys(properties), [name])
        assert.strictEqual(Object.getPrototypeOf(properties), Object.prototype)
        assert.strictEqual(JSON.stringify(identify.operations), `{"$set":{${JSON.stringify(name)}:{"polluted":true}}}`)
        assert.isUndefined(own("polluted", undefined)["polluted"])
        assert.isFalse("polluted" in {})
      }
    })

    it("survive the schema and the check, as numbers and unset too", () => {
      for (const name of hostileNames) {
        for (const step of [Identify.set(name, "x"), Identify.add(name, 1), Identify.unset(name)]) {
          const identify = step(Identify.empty)
          const decoded = Schema.decodeUnknownSync(Identify.Identify)(JSON.parse(JSON.stringify(identify)))
          assert.deepStrictEqual(flatten(decoded), flatten(identify))
          const checked = Either.getOrThrow(Identify.validate(identify, "user_properties"))
          assert.deepStrictEqual(flatten(checked), flatten(identify))
        }
      }
    })
  })

  describe("class", () => {
    it("isIdentify", () => {
      assert.isTrue(Identify.isIdentify(Identify.empty))
      assert.isTrue(Identify.isIdentify(new Identify.Identify({ operations: { $set: { a: 1 } } })))
      assert.isFalse(Identify.isIdentify({ operations: {} }))
      assert.isFalse(Identify.isIdentify(null))
    })

    it("pipes", () => {
      assert.isTrue(Equal.equals(
        pipe(Identify.empty, Identify.set("a", 1), Identify.clearAll),
        Identify.empty.pipe(Identify.set("a", 1), Identify.clearAll)
      ))
    })

    it("the constructor checks, as that of every Schema.Class", () => {
      const make = (operations: unknown) => () =>
        new Identify.Identify({ operations: operations as Identify.Operations })
      assert.doesNotThrow(make({}))
      assert.throws(make({ $add: { a: "1" } }))
      assert.throws(make({ $add: new Map() }))
      assert.throws(make({ $unset: { a: true } }))
      assert.throws(make({ $clearAll: {} }))
      assert.throws(make({ $set: { a: new Map() } }))
      assert.throws(make({ $set: "a" }))
    })

    it.effect("decoding fails in the error channel", () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Schema.decodeUnknown(Identify.Identify)({ operations: { $add: { a: NaN } } }))
        assert.strictEqual(error._tag, "ParseError")
      }))
  })

  describe("validate", () => {
    it("gives a copy that shares nothing with what was given", () => {
      const tags = ["a"]
      const nested = { tags }
      const identify = Identify.empty.pipe(Identify.set("nested", nested), Identify.add("n", 1))
      const checked = Either.getOrThrow(Identify.validate(identify, "user_properties"))
      assert.instanceOf(checked, Identify.Identify)
      assert.isTrue(Equal.equals(checked, identify))
      tags.push("b")
      assert.deepStrictEqual(checked.operations, { $set: { nested: { tags: ["a"] } }, $add: { n: 1 } })
    })

    it("turns dates to text and leaves undefined out, as in all properties", () => {
      const checked = Identify.empty.pipe(
        Identify.set("since", new Date(0)),
        Identify.set("gone", undefined),
        (identify) => Either.getOrThrow(Identify.validate(identify, "user_properties"))
      )
      assert.strictEqual(JSON.stringify(checked.operations), `{"$set":{"since":"1970-01-01T00:00:00.000Z"}}`)
    })

    it("accepts the operations alone", () => {
      const given = { $set: { plan: "pro" }, $clearAll: undefined }
      assert.deepStrictEqual(Either.getOrThrow(Identify.validateOperations(given, "user_properties")), {
        $set: { plan: "pro" }
      })
    })

    it("names the path, what was expected and the kind of what was found", () => {
      const secret = "the-secret"
      const wrong: ReadonlyArray<readonly [identify: unknown, path: string, expected: string, actual: string]> = [
        [Identify.empty, "user_properties", "at least one operation", "none"],
        [Identify.empty.pipe(Identify.set("a", undefined)), "user_properties", "at least one operation", "none"],
        [{ operations: { $set: { a: 1 } } }, "user_properties", "an Identify", "an object"],
        [null, "user_properties", "an Identify", "null"],
        [
          Identify.empty.pipe(Identify.add("logins", secret as never)),
          "user_properties.$add.logins",
          "a finite number",
          "a string"
        ],
        [
          Identify.empty.pipe(Identify.add("my logins", null as never)),
          `user_properties.$add["my logins"]`,
          "a finite number",
          "null"
        ],
        [Identify.empty.pipe(Identify.add("n", NaN)), "user_properties.$add.n", "a finite number", "NaN"],
        [
          Identify.empty.pipe(Identify.add("__proto__", [1] as never)),
          "user_properties.$add.__proto__",
          "a finite number",
          "an array"
        ],
        [
          Identify.empty.pipe(Identify.set("a", [{ b: 1n }])),
          "user_properties.$set.a[0].b",
          "a value that JSON can hold",
          "a bigint"
        ],
        [handmade({ $unset: { a: secret } }), "user_properties.$unset.a", `"-"`, "a string"],
        [handmade({ $clearAll: secret }), "user_properties.$clearAll", `"-"`, "a string"],
        [handmade({ $set: secret }), "user_properties.$set", "an object", "a string"],
        [handmade({ $set: null }), "user_properties.$set", "an object", "null"],
        [handmade({ $add: [1] }), "user_properties.$add", "an object", "an array"],
        [
          handmade({ $put: { a: secret } }),
          "user_properties.$put",
          `one of ${[...operations, "$clearAll"].join(", ")}`,
          "an unknown field"
        ],
        [handmade(secret), "user_properties", "an object", "a string"],
        [handmade(undefined), "user_properties", "an object", "undefined"]
      ]
      for (const [identify, path, expected, actual] of wrong) {
        assert.deepStrictEqual(issueOf(identify), { path, expected, actual })
      }
    })

    it("finds a name that is no string, and a self that is no Identify", () => {
      for (const name of [1, null, undefined, Symbol("s"), {}, () => 1, { plan: "pro" }]) {
        const issue = issueOf(Identify.empty.pipe(Identify.set(name as never, "x")))
        assert.strictEqual(issue.path, `user_properties.$set["(${typeof name} instead of a name)"]`)
        assert.strictEqual(issue.expected, "a value that JSON can hold")
        assert.isTrue(
          Either.isLeft(Identify.validate(Identify.add(Identify.empty, name as never, 1), "user_properties"))
        )
        assert.isTrue(
          Either.isLeft(Identify.validate(Identify.unset(Identify.empty, name as never), "user_properties"))
        )
      }
      for (const self of [null, undefined, 1, {}, { operations: { $set: {} } }, trapped()]) {
        assert.isTrue(Either.isLeft(Identify.validate(Identify.set(self as never, "a", 1), "user_properties")))
      }
    })

    it("finds what throws when it is read", () => {
      for (const operations of [trapped(), { $set: trapped() }, { $set: { a: trapped() } }]) {
        const issue = issueOf(handmade(operations))
        assert.match(issue.path, /^user_properties/)
        assert.strictEqual(issue.expected, "values that can be read")
        assert.isTrue(Either.isLeft(Identify.validate(Identify.set(handmade(operations), "b", 1), "user_properties")))
      }
      assert.strictEqual(issueOf(trapped()).expected, "values that can be read")
    })

    it("counts the depth from the user properties", () => {
      const nested = (levels: number): unknown => levels === 0 ? 1 : { n: nested(levels - 1) }
      const at = (levels: number) =>
        Identify.validate(Identify.set(Identify.empty, "a", nested(levels)), "user_properties")
      assert.isTrue(Either.isRight(at(38)))
      assert.isTrue(Either.isLeft(at(39)))
    })
  })
})

/** An `Identify` with operations that no combinator checked. */
const handmade = (operations: unknown): Identify.Identify =>
  new Identify.Identify({ operations: operations as Identify.Operations }, { disableValidation: true })

/** A proxy whose traps all throw. */
const trapped = (): object => new Proxy({}, new Proxy({}, { get: () => () => assert.fail("a trap") }))

/** Equality without the order of the keys. */
const canonical = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(canonical)
    : typeof value === "object" && value !== null
    ? {
      object: Object.entries(value).map(([key, nested]) => [key, canonical(nested)] as const).sort(([a], [b]) =>
        a < b ? -1 : 1
      )
    }
    : value
