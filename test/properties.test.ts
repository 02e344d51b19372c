import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Effect, Either, FastCheck, Option, Redacted, Schema } from "effect"
import * as vm from "node:vm"
import { copyProperties, Properties, writeProperties } from "../src/internal/event/properties.js"
import type { ValidationIssue } from "../src/internal/event/validationIssue.js"
import { guarded, kindOf } from "../src/internal/event/validationIssue.js"
import { Walk } from "../src/internal/event/walk.js"

const root = "event_properties"

const check = (value: unknown): Either.Either<Readonly<Record<string, unknown>>, ValidationIssue> =>
  guarded(root, () => copyProperties(value, root))

const copyOf = (value: unknown): Readonly<Record<string, unknown>> =>
  Either.getOrThrowWith(check(value), (issue) => new Error(JSON.stringify(issue)))

const issueOf = (value: unknown): ValidationIssue => Option.getOrThrow(Either.getLeft(check(value)))

const written = (value: unknown): string => {
  const walk = new Walk()
  assert.strictEqual(writeProperties(walk, value, root), "written")
  return walk.writer.textOf()
}

const own = (name: string, value: unknown): Record<string, unknown> => ({ [name]: value })

/** `levels` objects, one in the other. */
const nestedObjects = (levels: number): Record<string, unknown> =>
  levels === 1 ? { leaf: 1 } : { n: nestedObjects(levels - 1) }

const nestedArrays = (levels: number): unknown => levels === 0 ? 1 : [nestedArrays(levels - 1)]

const realm = <A>(code: string): A => vm.runInNewContext(code) as A

/** A proxy whose traps all throw. */
const trapped = (target: object): object => new Proxy(target, new Proxy({}, { get: () => () => assert.fail("a trap") }))

const revoked = (target: object): object => {
  const { proxy, revoke } = Proxy.revocable(target, {})
  revoke()
  return proxy
}

class Point {
  readonly x: number = 1
  readonly y: number = 2
}

class Money {
  readonly #cents: number
  constructor(cents: number) {
    this.#cents = cents
  }
  toJSON(): unknown {
    return { amount: this.#cents / 100 }
  }
}

class Selfish {
  toJSON(): unknown {
    return this
  }
}

const json = "a value that JSON can hold"
const plain = "a plain object, an array or an object with toJSON"
const unreadable = { expected: "values that can be read", actual: "a getter, a toJSON or a proxy that throws" }

describe("copyProperties", () => {
  describe("accepts", () => {
    const shared = { a: [1] }
    const table: ReadonlyArray<readonly [name: string, value: unknown, json: unknown]> = [
      ["a string", "text", "text"],
      ["the empty string", "", ""],
      ["a whole number", 1, 1],
      ["a fraction", -0.5, -0.5],
      ["zero", 0, 0],
      ["the largest number", Number.MAX_VALUE, Number.MAX_VALUE],
      ["true", true, true],
      ["false", false, false],
      ["null", null, null],
      ["an empty object", {}, {}],
      ["an empty array", [], []],
      ["an array of kinds", [1, "a", true, null, { b: [] }], [1, "a", true, null, { b: [] }]],
      ["an array of booleans", [true, false], [true, false]],
      ["arrays in arrays", [[1, [2]], [[]]], [[1, [2]], [[]]]],
      ["undefined in an object", { a: undefined, b: 1 }, { b: 1 }],
      ["undefined in an array", [1, undefined, 2], [1, 2]],

      ["a sparse array", [1, , 2], [1, 2]],
      ["a shared reference", [shared, shared, { shared }], [{ a: [1] }, { a: [1] }, { shared: { a: [1] } }]],
      ["a null prototype", Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
      ["a frozen object", Object.freeze({ a: Object.freeze([1]) }), { a: [1] }],
      ["a getter", {
        get a() {
          return 1
        }
      }, { a: 1 }],
      ["a proxy", new Proxy({ a: new Proxy([1], {}) }, {}), { a: [1] }],
      ["symbol keys, which JSON does not see", { [Symbol("s")]: 1, a: 1 }, { a: 1 }],
      ["what is not enumerable", Object.defineProperty({ a: 1 }, "hidden", { value: 1 }), { a: 1 }],
      ["a toJSON that is no function", { toJSON: "text", a: 1 }, { toJSON: "text", a: 1 }],
      ["hostile names", { constructor: 1, toString: "x", hasOwnProperty: null }, {
        constructor: 1,
        toString: "x",
        hasOwnProperty: null
      }],
      ["an array of a subclass", new (class Names extends Array<string> {})("a", "b"), ["a", "b"]],
      ["a Date", new Date(0), "1970-01-01T00:00:00.000Z"],
      ["a URL", new URL("https://example.com/?q=1"), "https://example.com/?q=1"],
      ["a class with toJSON", new Money(1050), { amount: 10.5 }],
      ["toJSON that returns an object with a Date", { toJSON: () => ({ at: new Date(0), all: [new Date(1)] }) }, {
        at: "1970-01-01T00:00:00.000Z",
        all: ["1970-01-01T00:00:00.001Z"]
      }],
      ["toJSON that returns an array", { toJSON: () => [1, [new Money(1)]] }, [1, [{ amount: 0.01 }]]],
      ["toJSON that returns null", { toJSON: () => null }, null],
      ["toJSON that returns a number", { toJSON: () => 7 }, 7],
      [
        "toJSON that returns itself",
        Object.defineProperty({ a: 1 }, "toJSON", {
          value(this: unknown) {
            return this
          }
        }),
        { a: 1 }
      ],
      ["values of Effect with toJSON", [DateTime.unsafeMake(0), Redacted.make("secret")], [
        "1970-01-01T00:00:00.000Z",
        "<redacted>"
      ]],
      ["an object of another realm", realm("({ a: { b: [1, 'x', null, true] } })"), { a: { b: [1, "x", null, true] } }],
      ["an array of another realm", realm("[[1], {}]"), [[1], {}]],
      ["a Date of another realm", realm("new Date(0)"), "1970-01-01T00:00:00.000Z"],
      ["a null prototype of another realm", realm("Object.assign(Object.create(null), { a: 1 })"), { a: 1 }]
    ]

    for (const [name, value, expected] of table) {
      it(name, () => {
        assert.deepStrictEqual(copyOf({ at: value }), { at: expected })
        assert.deepStrictEqual(copyOf({ at: [value] }), { at: [expected] })
        assert.deepStrictEqual(copyOf({ at: { in: value } }), { at: { in: expected } })
      })
    }

    it("toJSON that returns undefined, which is left out", () => {
      assert.strictEqual(JSON.stringify(copyOf({ a: { toJSON: () => undefined }, b: 1 })), `{"b":1}`)
    })

    it("undefined is left out, not kept as a key", () => {
      assert.deepStrictEqual(Object.keys(copyOf({ a: undefined, b: { toJSON: () => undefined }, c: 1 })), ["c"])
    })

    it("toJSON of the whole", () => {
      assert.deepStrictEqual(copyOf({ toJSON: () => ({ a: new Date(0) }) }), { a: "1970-01-01T00:00:00.000Z" })
    })

    it("toJSON is given its key, as JSON.stringify does", () => {
      const keyed = { toJSON: (key: string) => key }
      assert.deepStrictEqual(copyOf({ name: keyed, list: [0, keyed] }), { name: "name", list: [0, "1"] })
    })
  })

  describe("refuses", () => {
    const cycle: Record<string, unknown> = {}
    cycle["self"] = cycle
    const ring: Array<unknown> = []
    ring.push(ring)

    const table: ReadonlyArray<readonly [name: string, value: unknown, expected: string, actual: string]> = [
      ["NaN", NaN, "a finite number", "NaN"],
      ["Infinity", Infinity, "a finite number", "Infinity"],
      ["-Infinity", -Infinity, "a finite number", "-Infinity"],
      ["a BigInt", 1n, json, "a bigint"],
      ["a function", () => 1, json, "a function"],
      ["a class", Point, json, "a function"],
      ["a function with toJSON", Object.assign(() => 1, { toJSON: () => 1 }), json, "a function"],
      ["a symbol", Symbol("s"), json, "a symbol"],
      ["an invalid Date", new Date(NaN), "a valid date", "an invalid Date"],
      ["an invalid Date of a subclass", new (class extends Date {})(NaN), "a valid date", "an invalid Date"],
      ["a Map", new Map([["a", 1]]), plain, "an instance of Map"],
      ["a Set", new Set([1]), plain, "an instance of Set"],
      ["a WeakMap", new WeakMap(), plain, "an instance of WeakMap"],
      ["a RegExp", /a/, plain, "an instance of RegExp"],
      ["an Error", new TypeError("a"), plain, "an instance of TypeError"],
      ["a Promise", Promise.resolve(1), plain, "an instance of Promise"],
      ["a generator", (function*() {})(), plain, "an object"],
      ["URLSearchParams", new URLSearchParams("a=1"), plain, "an instance of URLSearchParams"],
      ["a typed array", new Float64Array(2), plain, "an instance of Float64Array"],
      ["a typed array of bytes", new Uint8Array(2), plain, "an instance of Uint8Array"],
      ["a DataView", new DataView(new ArrayBuffer(2)), plain, "an instance of DataView"],
      ["an ArrayBuffer", new ArrayBuffer(2), plain, "an instance of ArrayBuffer"],
      ["a Buffer", Buffer.from("a"), json, "an instance of Buffer"],
      ["a boxed number", Object(1), plain, "an instance of Number"],
      ["a boxed string", Object("a"), plain, "an instance of String"],
      ["a boxed boolean", Object(true), plain, "an instance of Boolean"],
      ["a boxed BigInt", Object(1n), plain, "an instance of BigInt"],
      ["a boxed symbol", Object(Symbol("s")), plain, "an instance of Symbol"],
      ["an instance of a class", new Point(), plain, "an instance of Point"],
      ["an instance of a class without a name", new (class {})(), plain, "an object"],
      ["an object that inherits from another one", Object.create({ a: 1 }), plain, "an instance of Object"],
      ["an instance whose toJSON returns itself", new Selfish(), plain, "an instance of Selfish"],
      [
        "a toJSON that returns a Date, whose own is not called",
        { toJSON: () => new Date(0) },
        plain,
        "an instance of Date"
      ],
      ["a toJSON that returns a Map", { toJSON: () => new Map() }, plain, "an instance of Map"],
      ["a toJSON that returns NaN", { toJSON: () => NaN }, "a finite number", "NaN"],
      ["a toJSON that returns a BigInt", { toJSON: () => 1n }, json, "a bigint"],
      ["a toJSON that returns a function", { toJSON: () => () => 1 }, json, "a function"],
      ["a Map of another realm", realm("new Map()"), plain, "an instance of Map"],
      ["a typed array of another realm", realm("new Uint8Array(1)"), plain, "an instance of Uint8Array"],
      ["an Error of another realm", realm("new Error('a')"), plain, "an instance of Error"],
      ["an instance of a class of another realm", realm("new (class Far {})()"), plain, "an instance of Far"],
      ["a function of another realm", realm("(() => 1)"), json, "a function"]
    ]

    for (const [name, value, expected, actual] of table) {
      it(name, () => {
        const issue = { expected, actual }
        assert.deepStrictEqual(issueOf({ at: value }), { path: `${root}.at`, ...issue })
        assert.deepStrictEqual(issueOf({ a: { "b c": [0, value] } }), { path: `${root}.a["b c"][1]`, ...issue })
        assert.deepStrictEqual(issueOf({ a: { toJSON: () => ({ b: [value] }) } }), { path: `${root}.a.b[0]`, ...issue })
      })
    }

    it("a toJSON that is a property of what it returns: it is a function", () => {
      const selfish = {
        a: 1,
        toJSON(): unknown {
          return this
        }
      }
      assert.deepStrictEqual(issueOf({ at: selfish }), {
        path: `${root}.at.toJSON`,
        expected: json,
        actual: "a function"
      })
    })

    it("an invalid Date of another realm", () => {
      assert.deepStrictEqual(issueOf({ at: realm("new Date(NaN)") }), {
        path: `${root}.at`,
        expected: "a valid date",
        actual: "an invalid Date"
      })
    })

    it("cycles: of an object, of an array, through others, through toJSON", () => {
      const a: Record<string, unknown> = {}
      const b = { list: [{ a }] }
      a["b"] = b
      const again = { toJSON: () => ({ again }) }
      for (const value of [cycle, { ring }, a, { in: b }, { again }]) {
        const issue = issueOf(value)
        assert.strictEqual(issue.expected, "at most 40 levels of nesting")
        assert.strictEqual(issue.actual, "more, or a cycle")
        assert.match(issue.path, /^event_properties[.]/)
      }
      assert.strictEqual(issueOf(cycle).path, root + ".self".repeat(40))
      assert.strictEqual(issueOf({ ring }).path, `${root}.ring${"[0]".repeat(39)}`)
    })

    it("a whole that is no object", () => {
      const wholes: ReadonlyArray<readonly [value: unknown, actual: string]> = [
        [undefined, "undefined"],
        [null, "null"],
        ["text", "a string"],
        [1, "a number"],
        [NaN, "NaN"],
        [1n, "a bigint"],
        [true, "a boolean"],
        [Symbol("s"), "a symbol"],
        [() => 1, "a function"],
        [[], "an array"],
        [realm("[]"), "an array"],
        [new Date(0), "an object whose toJSON returns a string"],
        [{ toJSON: () => undefined }, "an object whose toJSON returns undefined"],
        [{ toJSON: () => [] }, "an object whose toJSON returns an array"],
        [{ toJSON: () => null }, "an object whose toJSON returns null"]
      ]
      for (const [value, actual] of wholes) {
        assert.deepStrictEqual(issueOf(value), { path: root, expected: "an object", actual })
      }
      assert.deepStrictEqual(issueOf(new Map()), { path: root, expected: plain, actual: "an instance of Map" })
      assert.deepStrictEqual(issueOf(new Date(NaN)), {
        path: root,
        expected: "a valid date",
        actual: "an invalid Date"
      })
    })

    it("more values than could be sent", () => {
      const issue = { expected: "at most 10000000 values", actual: "more" }
      assert.deepStrictEqual(issueOf({ at: new Array(10_000_001) }), { path: `${root}.at`, ...issue })
      let unfolding: unknown = 1
      for (let level = 0; level < 38; level++) unfolding = [unfolding, unfolding]
      const { path, ...rest } = issueOf({ unfolding })
      assert.deepStrictEqual(rest, issue)
      assert.match(path, /^event_properties[.]unfolding\[0\]/)
    }, 30_000)
  })

  describe("what throws when it is read", () => {
    const throwing: ReadonlyArray<readonly [name: string, value: unknown]> = [
      ["a getter", {
        get a() {
          return assert.fail("a getter")
        }
      }],
      ["a toJSON", { toJSON: () => assert.fail("a toJSON") }],
      ["a getter of toJSON", {
        get toJSON() {
          return assert.fail("a getter")
        }
      }],
      ["a toJSON without end", {
        toJSON(): unknown {
          return (this as { toJSON: () => unknown }).toJSON()
        }
      }],
      ["an element", Object.defineProperty([1], 0, { get: () => assert.fail("a getter") })],
      ["a proxy of an object", trapped({})],
      ["a proxy of an array", trapped([])],
      ["a revoked proxy", revoked({})],
      ["a revoked proxy of an array", revoked([])],
      ["an object with the prototype of Date", Object.create(Date.prototype)],
      ...(["get", "ownKeys", "getPrototypeOf", "getOwnPropertyDescriptor"] as const).map((trap) =>
        [`the trap ${trap}`, new Proxy({ a: 1 }, { [trap]: () => assert.fail(trap) })] as const
      )
    ]

    for (const [name, value] of throwing) {
      it(`${name} is a issue`, () => {
        for (const given of [{ at: value }, { a: [{ b: value }] }]) {
          const { actual, expected, path } = issueOf(given)
          assert.deepStrictEqual({ actual, expected }, unreadable)
          assert.match(path, /^event_properties/)
        }
      })
    }

    it("and its path is where it stands", () => {
      assert.deepStrictEqual(
        issueOf({
          a: [0, {
            get b() {
              return assert.fail("a getter")
            }
          }]
        }),
        {
          path: `${root}.a[1].b`,
          ...unreadable
        }
      )
      assert.strictEqual(issueOf({ a: { at: trapped({}) } }).path, `${root}.a.at`)
      assert.strictEqual(issueOf({ a: { "b c": { toJSON: () => assert.fail("a toJSON") } } }).path, `${root}.a["b c"]`)
    })

    it("as the whole it is a issue too", () => {
      for (
        const whole of [
          {
            get a() {
              return assert.fail("a getter")
            }
          },
          trapped({}),
          trapped([]),
          revoked({})
        ]
      ) {
        assert.deepStrictEqual(Either.isLeft(check(whole)), true)
      }
      assert.deepStrictEqual(issueOf(revoked({})), { path: root, ...unreadable })
    })

    it("what is thrown is not told", () => {
      const issue = issueOf({
        get a() {
          return assert.fail("the-secret")
        }
      })
      assert.notInclude(JSON.stringify(issue), "the-secret")
    })
  })

  describe("depth", () => {
    it("40 levels are accepted, the whole being the first", () => {
      assert.deepStrictEqual(copyOf(nestedObjects(40)), nestedObjects(40))
      assert.deepStrictEqual(copyOf({ a: nestedArrays(39) }), { a: nestedArrays(39) })
    })

    it("41 are refused", () => {
      const issue = { expected: "at most 40 levels of nesting", actual: "more, or a cycle" }
      assert.deepStrictEqual(issueOf(nestedObjects(41)), { path: root + ".n".repeat(40), ...issue })
      assert.deepStrictEqual(issueOf({ a: nestedArrays(40) }), { path: `${root}.a${"[0]".repeat(39)}`, ...issue })
    })

    it("what toJSON returns stands where the object stood", () => {
      const at = (levels: number) => {
        let value: unknown = { toJSON: () => ({ leaf: 1 }) }
        for (let level = 1; level < levels; level++) value = { n: value }
        return check(value)
      }
      assert.isTrue(Either.isRight(at(40)))
      assert.isTrue(Either.isLeft(at(41)))
    })
  })

  describe("strings", () => {
    const grin = "\u{1f600}"
    const cutTo = (text: string): unknown => copyOf({ text })["text"]

    it("are cut at 1024 units", () => {
      assert.strictEqual(cutTo("a".repeat(1023)), "a".repeat(1023))
      assert.strictEqual(cutTo("a".repeat(1024)), "a".repeat(1024))
      assert.strictEqual(cutTo("a".repeat(1025)), "a".repeat(1024))
      assert.strictEqual(cutTo("a".repeat(100_000)), "a".repeat(1024))
    })

    it("are cut at 1023 rather than in a pair", () => {
      assert.strictEqual(cutTo("a".repeat(1022) + grin), "a".repeat(1022) + grin)
      assert.strictEqual(cutTo("a".repeat(1022) + grin + "b"), "a".repeat(1022) + grin)
      assert.strictEqual(cutTo("a".repeat(1023) + grin), "a".repeat(1023))
      assert.strictEqual(cutTo("a".repeat(1023) + grin + "b"), "a".repeat(1023))
      assert.strictEqual(cutTo("a".repeat(1024) + grin), "a".repeat(1024))
      assert.strictEqual(cutTo(grin.repeat(512)), grin.repeat(512))
      assert.strictEqual(cutTo(grin.repeat(513)), grin.repeat(512))
      // half a pair is no pair
      const half = "a".repeat(1023) + "\ud83d"
      assert.strictEqual(cutTo(half), half)
      assert.strictEqual(cutTo(half + "b"), half)
      assert.strictEqual(cutTo(half + "\ud83d\ude00"), half)
    })

    it("are cut wherever they stand", () => {
      const long = "a".repeat(2000)
      const short = "a".repeat(1024)
      assert.deepStrictEqual(copyOf({ a: [long, { b: long }], c: { toJSON: () => long } }), {
        a: [short, { b: short }],
        c: short
      })
    })
  })

  describe("the copy", () => {
    it("shares nothing with what was given", () => {
      const inner = { list: [1, { deep: "a" }] }
      const given: Record<string, unknown> = { inner, at: new Date(0), text: "a" }
      const copy = copyOf(given)
      const before = JSON.stringify(copy)
      inner.list.push(2)
      Object.assign(inner.list[1] as object, { deep: "b" })
      ;(given["at"] as Date).setTime(1)
      given["text"] = "b"
      given["more"] = 1
      delete (inner as { list?: unknown }).list
      assert.strictEqual(JSON.stringify(copy), before)
      assert.strictEqual(before, `{"inner":{"list":[1,{"deep":"a"}]},"at":"1970-01-01T00:00:00.000Z","text":"a"}`)
    })

    it("does not change what was given", () => {
      const given = { a: [1, undefined, { b: "a".repeat(2000) }], c: undefined }
      const before = { a: [1, undefined, { b: "a".repeat(2000) }], c: undefined }
      copyOf(given)
      assert.deepStrictEqual(given, before)
    })

    it("is made of the plain objects of this realm", () => {
      const copy = copyOf(realm("({ a: Object.assign(Object.create(null), { b: [1] }) })"))
      const a = copy["a"] as Record<string, unknown>
      assert.strictEqual(Object.getPrototypeOf(copy), Object.prototype)
      assert.strictEqual(Object.getPrototypeOf(a), Object.prototype)
      assert.strictEqual(Object.getPrototypeOf(a["b"]), Array.prototype)
    })

    it("keeps `__proto__` as an ordinary name and pollutes nothing", () => {
      const text = `{"__proto__":{"polluted":1},"a":[{"__proto__":[1]}],"constructor":{"prototype":{"polluted":1}}}`
      const copy = copyOf(JSON.parse(text))
      assert.strictEqual(JSON.stringify(copy), text)
      assert.strictEqual(Object.getPrototypeOf(copy), Object.prototype)
      assert.isUndefined(own("a", 1)["polluted"])
      assert.isFalse("polluted" in copy)
      assert.deepStrictEqual(
        issueOf(JSON.parse(`{"__proto__":{"a":"x"},"b":1}`, (key, value) => key === "a" ? 1n : value)),
        {
          path: `${root}.__proto__.a`,
          expected: json,
          actual: "a bigint"
        }
      )
    })

    it("is what is sent: each getter is read once", () => {
      let reads = 0
      const given = {
        get a() {
          return ++reads
        }
      }
      assert.deepStrictEqual(copyOf(given), { a: 1 })
      assert.strictEqual(reads, 1)
    })

    it("of an array that grows while it is read has the length from before, as JSON.stringify has it", () => {
      const growing = (): Array<unknown> => {
        const list: Array<unknown> = []
        let times = 0
        const item = {
          toJSON: () => {
            if (times++ < 5) list.push(item)
            return times
          }
        }
        list.push(item)
        return list
      }
      assert.strictEqual(JSON.stringify(growing()), "[1]")
      assert.deepStrictEqual(copyOf({ list: growing() }), { list: [1] })
    })

    const units = FastCheck.oneof(
      FastCheck.string(),
      FastCheck.string({ unit: "binary" }),
      FastCheck.constantFrom("__proto__", "constructor", "toJSON", "toString", "length", "")
    )
    const jsonValues = FastCheck.letrec<{ value: unknown }>((tie) => ({
      value: FastCheck.oneof(
        { depthSize: "small", maxDepth: 30 },
        FastCheck.oneof(
          units,
          FastCheck.boolean(),
          FastCheck.constant(null),
          FastCheck.double({ noNaN: true, noDefaultInfinity: true })
        ),
        FastCheck.array(tie("value"), { maxLength: 5 }),
        FastCheck.dictionary(units, tie("value"), { maxKeys: 5 })
      )
    })).value
    const jsonObjects = FastCheck.oneof(
      FastCheck.dictionary(units, jsonValues),
      FastCheck.jsonValue({ maxDepth: 38 }).map((value) => ({ value }))
    )

    it.prop("of JSON is the same JSON", [jsonObjects], ([value]) => {
      const text = JSON.stringify(value)
      const copy = copyOf(value)
      assert.strictEqual(written(value), text)
      assert.strictEqual(JSON.stringify(copy), text)
      assert.deepStrictEqual(JSON.parse(JSON.stringify(copy)), JSON.parse(text))
      assert.deepStrictEqual(copyOf(JSON.parse(text)), JSON.parse(text))
    }, { fastCheck: { numRuns: 500 } })

    it("of more names than are remembered is the same JSON, twice", () => {
      const value = Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`a "name" ${index}`, { index }]))
      assert.strictEqual(written(value), JSON.stringify(value))
      assert.strictEqual(written(value), JSON.stringify(value))
    })

    const anything = FastCheck.anything({
      maxDepth: 6,
      withBigInt: true,
      withBoxedValues: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withObjectString: true,
      withSet: true,
      withSparseArray: true,
      withTypedArray: true,
      withUnicodeString: true
    })

    it.prop("of anything is JSON that copies to itself, or there is a issue with a path", [anything], ([value]) => {
      Either.match(check({ value }), {
        onLeft: (issue) => {
          assert.match(issue.path, /^event_properties[.]value/)
          assert.notStrictEqual(issue.expected, "")
          assert.notStrictEqual(issue.actual, "")
        },
        onRight: (copy) => {
          assert.deepStrictEqual(copyOf(copy), copy)
          assert.strictEqual(JSON.stringify(JSON.parse(JSON.stringify(copy))), JSON.stringify(copy))
        }
      })
    }, { fastCheck: { numRuns: 500 } })
  })

  describe("paths", () => {
    it("are written as code", () => {
      const at = (name: string) => issueOf({ [name]: 1n }).path
      assert.strictEqual(at("price"), `${root}.price`)
      assert.strictEqual(at("$price"), `${root}.$price`)
      assert.strictEqual(at("a b"), `${root}["a b"]`)
      assert.strictEqual(at("0"), `${root}["0"]`)
      assert.strictEqual(at(`"`), `${root}["\\""]`)
      assert.strictEqual(at(""), `${root}[""]`)
      assert.strictEqual(issueOf({ items: [{}, {}, { price: NaN }] }).path, `${root}.items[2].price`)
    })

    it("count the elements of what was given", () => {
      assert.strictEqual(issueOf({ list: [undefined, , 1n] }).path, `${root}.list[2]`)
    })

    it("begin where the caller says", () => {
      assert.strictEqual(
        Option.getOrThrow(Either.getLeft(copyProperties({ a: 1n }, "user_properties"))).path,
        "user_properties.a"
      )
    })
  })
})

describe("guarded", () => {
  it("hands on what the check gives", () => {
    const issue: ValidationIssue = { path: "a", expected: "b", actual: "c" }
    assert.deepStrictEqual(guarded(root, () => Either.right(1)), Either.right(1))
    assert.deepStrictEqual(guarded(root, () => Either.left(issue)), Either.left(issue))
  })

  it("makes a issue of what is thrown", () => {
    assert.deepStrictEqual(guarded(root, () => assert.fail("the-secret")), Either.left({ path: root, ...unreadable }))
  })
})

describe("kindOf", () => {
  it("tells the kind and never the value", () => {
    const table: ReadonlyArray<readonly [value: unknown, kind: string]> = [
      [undefined, "undefined"],
      [null, "null"],
      ["the-secret", "a string"],
      [42, "a number"],
      [NaN, "NaN"],
      [-Infinity, "-Infinity"],
      [42n, "a bigint"],
      [true, "a boolean"],
      [Symbol("the-secret"), "a symbol"],
      [() => "the-secret", "a function"],
      [{ a: "the-secret" }, "an object"],
      [["the-secret"], "an array"],
      [new Map(), "an object"]
    ]
    for (const [value, kind] of table) assert.strictEqual(kindOf(value), kind)
  })

  it("does not throw", () => {
    assert.strictEqual(kindOf(trapped({})), "an object")
    assert.strictEqual(kindOf(revoked({})), "an object")
  })
})

describe("Properties", () => {
  const Shape = Schema.Struct({ properties: Properties })

  it("hands on what it was given", () => {
    const properties = { at: new Date(0), nested: { list: [1, undefined] }, text: "a".repeat(2000) }
    assert.strictEqual(Schema.decodeUnknownSync(Properties)(properties), properties)
    assert.strictEqual(Schema.encodeSync(Properties)(properties), properties)
    assert.strictEqual(Schema.validateSync(Properties)(properties), properties)
  })

  it("refuses what the copy refuses", () => {
    for (
      const properties of [null, [], "a", { a: 1n }, { a: new Map() }, nestedObjects(41), trapped({}), revoked({})]
    ) {
      assert.isFalse(Schema.is(Properties)(properties))
      assert.isTrue(Either.isLeft(Schema.decodeUnknownEither(Shape)({ properties })))
    }
  })

  it("takes interface-typed values", () => {
    interface Song {
      readonly title: string
    }
    const song: Song = { title: "Blue" }
    const properties: Properties = song
    assert.isTrue(Schema.is(Properties)(properties))
  })

  it.effect("says where and what, and not the value", () =>
    Effect.gen(function*() {
      const given = { a: [{ b: Symbol("the-secret") }], c: "the-secret" }
      const error = yield* Effect.flip(Schema.decodeUnknown(Properties)(given))
      assert.include(error.message, "properties.a[0].b: expected a value that JSON can hold, got a symbol")
      assert.notInclude(error.message, "the-secret")
    }))

  it("a Duration is no plain object, and has a toJSON", () => {
    assert.isTrue(Schema.is(Properties)({ waited: Duration.seconds(1) }))
  })
})
