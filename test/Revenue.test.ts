import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import { Effect, Either, Equal, FastCheck, Option, Schema } from "effect"
import { Revenue } from "../src/Revenue.js"

const finite = FastCheck.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0)

const text = FastCheck.option(FastCheck.string(), { nil: undefined })

const jsonProperties = FastCheck.dictionary(
  FastCheck.oneof(FastCheck.string(), FastCheck.constantFrom("$price", "$productId", "__proto__", "constructor")),
  FastCheck.jsonValue({ maxDepth: 3 })
).map((value): Record<string, unknown> => JSON.parse(JSON.stringify(value)))

const inputs: FastCheck.Arbitrary<Revenue.Input> = FastCheck.record({
  price: finite,
  quantity: FastCheck.option(FastCheck.integer({ min: 1 }), { nil: undefined }),
  productId: text,
  revenueType: text,
  receipt: text,
  receiptSig: text,
  revenue: FastCheck.option(finite, { nil: undefined }),
  currency: text,
  properties: FastCheck.option(jsonProperties, { nil: undefined })
}, { requiredKeys: ["price"] })

const anything = FastCheck.anything({
  withBigInt: true,
  withBoxedValues: true,
  withDate: true,
  withMap: true,
  withNullPrototype: true,
  withSet: true,
  withSparseArray: true,
  withTypedArray: true
})

const fields = [
  "price",
  "quantity",
  "productId",
  "revenueType",
  "receipt",
  "receiptSig",
  "revenue",
  "currency",
  "properties"
]

const issueOf = (input: unknown, path?: string) => Option.getOrThrow(Either.getLeft(Revenue.validate(input, path)))

const sorted = (entries: ReadonlyArray<readonly [string, unknown]>) => [...entries].sort(([a], [b]) => a < b ? -1 : 1)

/** A proxy whose traps all throw. */
const trapped = (): object => new Proxy({}, new Proxy({}, { get: () => () => assert.fail("a trap") }))

describe("Revenue", () => {
  describe("class", () => {
    it("quantity is 1 unless given", () => {
      assert.strictEqual(new Revenue({ price: 3.99 }).quantity, 1)
      assert.strictEqual(Schema.decodeSync(Revenue)({ price: 3.99 }).quantity, 1)
      assert.strictEqual(Schema.decodeSync(Revenue)({ price: 3.99, quantity: undefined }).quantity, 1)
      assert.strictEqual(new Revenue({ price: 3.99, quantity: 3 }).quantity, 3)
    })

    it("is equal to another one with the same fields", () => {
      assert.isTrue(Equal.equals(new Revenue({ price: 1, productId: "a" }), new Revenue({ price: 1, productId: "a" })))
      assert.isFalse(Equal.equals(new Revenue({ price: 1 }), new Revenue({ price: 2 })))
    })

    it("the constructor checks, as that of every Schema.Class", () => {
      assert.throws(() => new Revenue({ price: NaN }))
      assert.throws(() => new Revenue({ price: 1, quantity: 0 }))
      assert.throws(() => new Revenue({ price: 1, quantity: 1.5 }))
      assert.throws(() => new Revenue({ price: 1, properties: { a: 1n } }))
    })

    it.effect("decoding fails in the error channel", () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Schema.decodeUnknown(Revenue)({ price: "1" }))
        assert.strictEqual(error._tag, "ParseError")
      }))

    it.prop("encoding and decoding give the same value, through JSON too", [inputs], ([input]) => {
      const revenue = Either.getOrThrow(Revenue.validate(input))
      const encoded = Schema.encodeSync(Revenue)(revenue)
      assert.isTrue(Equal.equals(Schema.decodeSync(Revenue)(encoded), revenue))
      const json = JSON.stringify(encoded)
      const decoded = Schema.decodeSync(Schema.parseJson(Revenue))(json)
      assert.instanceOf(decoded, Revenue)
      assert.strictEqual(JSON.stringify(Schema.encodeSync(Revenue)(decoded)), json)
    })
  })

  describe("types", () => {
    it("take the plain object and the class, and refuse what is misspelt", () => {
      expectTypeOf<Revenue>().toExtend<Revenue.Input>()
      interface Song {
        readonly title: string
      }
      const song: Song = { title: "Blue" }
      const ok: ReadonlyArray<Revenue.Input> = [
        { price: 1 },
        { price: 1, quantity: undefined, productId: undefined, properties: undefined },
        { price: 1, properties: song },
        new Revenue({ price: 1 })
      ]
      const wrong: ReadonlyArray<Revenue.Input> = [
        // @ts-expect-error the price is missing
        {},
        // @ts-expect-error no such field
        { price: 1, product_id: "a" },
        // @ts-expect-error not a number
        { price: "1" },
        // @ts-expect-error null is no value of a field
        { price: 1, currency: null }
      ]
      assert.deepStrictEqual(ok.map((input) => Either.isRight(Revenue.validate(input))), [true, true, true, true])
      assert.deepStrictEqual(wrong.map((input) => Either.isLeft(Revenue.validate(input))), [true, true, true, true])
    })
  })

  describe("toEventProperties", () => {
    const table: ReadonlyArray<readonly [input: Revenue.Input, wire: Record<string, unknown>]> = [
      [{ price: 3.99 }, { $price: 3.99, $quantity: 1 }],
      [{ price: 0 }, { $price: 0, $quantity: 1 }],
      [{ price: -3.99 }, { $price: -3.99, $quantity: 1 }],
      [{ price: 4, quantity: 3 }, { $price: 4, $quantity: 3 }],
      [{ price: 4, quantity: undefined, revenue: undefined, properties: undefined }, { $price: 4, $quantity: 1 }],
      [{ price: 1, revenue: 0 }, { $price: 1, $quantity: 1, $revenue: 0 }],
      [{ price: 1, productId: "" }, { $price: 1, $quantity: 1, $productId: "" }],
      [
        {
          price: 3.99,
          quantity: 3,
          productId: "sku-1",
          revenueType: "purchase",
          receipt: "r",
          receiptSig: "s",
          revenue: 11.97,
          currency: "EUR"
        },
        {
          $price: 3.99,
          $quantity: 3,
          $productId: "sku-1",
          $revenueType: "purchase",
          $receipt: "r",
          $receiptSig: "s",
          $revenue: 11.97,
          $currency: "EUR"
        }
      ],
      [
        {
          price: 1,
          productId: "sku-1",
          properties: { store: "web", $price: 2, $quantity: 9, $productId: "x", $currency: "EUR" }
        },
        { store: "web", $price: 1, $quantity: 1, $productId: "sku-1", $currency: "EUR" }
      ]
    ]

    it("is the wire's form, of the plain object and of the class", () => {
      for (const [input, wire] of table) {
        assert.deepStrictEqual(Revenue.toEventProperties(input), wire)
        assert.deepStrictEqual(Revenue.toEventProperties(Either.getOrThrow(Revenue.validate(input))), wire)
        assert.deepStrictEqual(Object.keys(Revenue.toEventProperties(input)).sort(), Object.keys(wire).sort())
      }
    })

    it.prop("the fields win over the caller's own properties, which are all there otherwise", [inputs], ([input]) => {
      const wire = Revenue.toEventProperties(input)
      const expected = new Map(Object.entries(input.properties ?? {}))
      expected.set("$quantity", 1)
      for (const field of fields) {
        const value = (input as unknown as Record<string, unknown>)[field]
        if (field !== "properties" && value !== undefined) expected.set(`$${field}`, value)
      }
      assert.deepStrictEqual(sorted(Object.entries(wire)), sorted([...expected]))
      assert.strictEqual(Object.getPrototypeOf(wire), Object.prototype)
    })

    it.prop("does not change what it is given", [inputs], ([input]) => {
      const before = JSON.stringify(input)
      Revenue.toEventProperties(input)
      Revenue.validate(input)
      assert.strictEqual(JSON.stringify(input), before)
    })

    it.prop("nothing throws, whatever it is given", [anything, anything], ([input, field]) => {
      for (
        const given of [input, { price: field, quantity: field, properties: field }, {
          price: 1,
          properties: trapped()
        }]
      ) {
        assert.isObject(Revenue.toEventProperties(given as Revenue.Input))
        assert.isTrue(Either.isEither(Revenue.validate(given)))
      }
    })

    it("of what cannot be read is nothing that could be sent", () => {
      for (const input of [trapped(), { price: 1, properties: trapped() }, null, undefined]) {
        const values = Object.values(Revenue.toEventProperties(input as Revenue.Input))
        assert.deepStrictEqual(values.map((value) => typeof value), ["symbol"])
      }
    })
  })

  describe("validate", () => {
    it("gives the class, with a copy of the properties", () => {
      const tags = ["a"]
      const revenue = Either.getOrThrow(Revenue.validate({ price: 1, properties: { tags } }))
      assert.instanceOf(revenue, Revenue)
      tags.push("b")
      assert.deepStrictEqual(revenue.properties, { tags: ["a"] })
      assert.strictEqual(revenue.quantity, 1)
      assert.isTrue(Either.isRight(Revenue.validate(new Revenue({ price: -1, productId: "sku-1" }))))
    })

    it("names the path, what was expected and the kind of what was found", () => {
      const secret = "the-secret"
      const quantity = "an integer above 0"
      const wrong: ReadonlyArray<readonly [input: unknown, path: string, expected: string, actual: string]> = [
        [{}, "price", "a finite number", "undefined"],
        [{ price: undefined }, "price", "a finite number", "undefined"],
        [{ price: secret }, "price", "a finite number", "a string"],
        [{ price: null }, "price", "a finite number", "null"],
        [{ price: NaN }, "price", "a finite number", "NaN"],
        [{ price: Infinity }, "price", "a finite number", "Infinity"],
        [{ price: 1n }, "price", "a finite number", "a bigint"],
        [{ price: 1, quantity: 0 }, "quantity", quantity, "a number"],
        [{ price: 1, quantity: -1 }, "quantity", quantity, "a number"],
        [{ price: 1, quantity: 1.5 }, "quantity", quantity, "a number"],
        [{ price: 1, quantity: secret }, "quantity", quantity, "a string"],
        [{ price: 1, quantity: null }, "quantity", quantity, "null"],
        [{ price: 1, revenue: NaN }, "revenue", "a finite number", "NaN"],
        [{ price: 1, productId: 7 }, "productId", "a string", "a number"],
        [{ price: 1, revenueType: null }, "revenueType", "a string", "null"],
        [{ price: 1, receipt: {} }, "receipt", "a string", "an object"],
        [{ price: 1, receiptSig: [] }, "receiptSig", "a string", "an array"],
        [{ price: 1, currency: true }, "currency", "a string", "a boolean"],
        [{ price: 1, properties: secret }, "properties", "an object", "a string"],
        [{ price: 1, properties: null }, "properties", "an object", "null"],
        [{ price: 1, properties: { a: [{ b: 1n }] } }, "properties.a[0].b", "a value that JSON can hold", "a bigint"],
        [{ price: 1, prise: secret }, "prise", `one of ${fields.join(", ")}`, "an unknown field"],
        [{ price: 1, "product id": undefined }, `["product id"]`, `one of ${fields.join(", ")}`, "an unknown field"],
        [secret, "", "an object", "a string"],
        [null, "", "an object", "null"],
        [[{ price: 1 }], "", "an object", "an array"]
      ]
      for (const [input, path, expected, actual] of wrong) {
        assert.deepStrictEqual(issueOf(input), { path, expected, actual })
      }
    })

    it("puts a path of the caller's before its own", () => {
      assert.strictEqual(issueOf({}, "revenue").path, "revenue.price")
      assert.strictEqual(issueOf({ price: 1, properties: { a: NaN } }, "revenue").path, "revenue.properties.a")
      assert.strictEqual(issueOf({ price: 1, "a b": 1 }, "revenue").path, `revenue["a b"]`)
      assert.strictEqual(issueOf(null, "revenue").path, "revenue")
    })

    it("finds what throws when it is read", () => {
      const getter = {
        get price(): number {
          return assert.fail("a getter")
        }
      }
      for (const input of [trapped(), getter, { price: 1, properties: trapped() }]) {
        assert.strictEqual(issueOf(input).expected, "values that can be read")
      }
    })

    it("reads each field once", () => {
      let reads = 0
      const input = {
        get price() {
          return ++reads
        }
      }
      assert.strictEqual(Either.getOrThrow(Revenue.validate(input)).price, 1)
      assert.strictEqual(reads, 1)
    })

    it("finds what was made past the check of the constructor", () => {
      const unchecked = new Revenue({ price: NaN }, { disableValidation: true })
      assert.strictEqual(issueOf(unchecked).path, "price")
    })

    it.prop("accepts all that its type allows", [inputs], ([input]) => {
      const revenue = Either.getOrThrow(Revenue.validate(input))
      assert.deepStrictEqual(Revenue.toEventProperties(revenue), Revenue.toEventProperties(input))
    })
  })
})
