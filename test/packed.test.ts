/** Events that wait packed, against a model of them: an array. */
import { assert, describe, it } from "@effect/vitest"
import type { EventStorage } from "effect-amplitude"
import * as fc from "fast-check"
import { toPlain } from "../src/internal/node.js"
import * as Packed from "../src/internal/packed.js"
import { decode, encode } from "../src/internal/utf8.js"

type Event = EventStorage.EncodedEvent & { readonly sequence: number }

const make = () =>
  Packed.make<Event>((page, index) => ({
    id: page.idOf(index),
    lane: page.laneOf(index),
    json: page.jsonOf(index),
    attempts: page.attemptsOf(index),
    sequence: page.sequence + index
  }))

/** Texts of every kind: short and long, of one, two, three and four bytes a character, empty ones, marks of byte order. */
const json = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 20 }),
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.constantFrom("", "\ufeff", "\ufeff{}", "é", "漢字", "😀", "{}"),
  fc.integer({ min: 1, max: 40_000 }).map((length) => "x".repeat(length)),
  fc.integer({ min: 1, max: 20_000 }).map((length) => "é😀".repeat(length))
)

type Step = { readonly push: ReadonlyArray<string> } | "first" | "shift" | "pop" | { readonly shift: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.array(json, { maxLength: 10 }).map((push) => ({ push })),
  // enough for several chunks
  fc.integer({ min: 50, max: 200 }).map((count) => ({ push: Array.from({ length: count }, (_, n) => `{"n":${n}}`) })),
  fc.constantFrom("first" as const, "shift" as const, "pop" as const),
  fc.integer({ min: 1, max: 150 }).map((shift) => ({ shift }))
)

describe("packed events", () => {
  it.prop("do as an array does", [fc.array(step, { maxLength: 40 })], ([steps]) => {
    const packed = make()
    let model: ReadonlyArray<Event> = []
    let pushed = 0
    let sequence = 0
    const push = (json: string) => {
      const event = { id: `id-${++pushed}`, lane: `lane-${pushed % 7}`, json, attempts: pushed % 3 }
      packed.push(event)
      model = [...model, { ...event, sequence: sequence++ }]
    }
    const shift = () => {
      assert.deepStrictEqual(packed.shift(), model[0])
      model = model.slice(1)
    }
    for (const step of steps) {
      if (step === "first") assert.deepStrictEqual(packed.first(), model[0])
      else if (step === "shift") shift()
      else if (step === "pop") {
        const newest = model.at(-1)
        assert.deepStrictEqual(packed.pop(), newest === undefined ? undefined : toPlain(newest))
        if (model.length > 0) sequence--
        model = model.slice(0, -1)
      } else if ("push" in step) step.push.forEach(push)
      else for (let count = 0; count < step.shift; count++) shift()
    }
    while (model.length > 0) shift()
    assert.isUndefined(packed.first())
    assert.isUndefined(packed.shift())
    assert.isUndefined(packed.pop())
  }, { fastCheck: { numRuns: 300 } })

  it("asked for the first one twice give the same one, until it is taken", () => {
    const packed = make()
    for (const id of ["1", "2"]) packed.push({ id, lane: "lane", json: "{}", attempts: 0 })
    const first = packed.first()
    assert.strictEqual(first?.id, "1")
    assert.strictEqual(packed.first(), first)
    assert.strictEqual(packed.shift(), first)
    assert.strictEqual(packed.first()?.id, "2")
  })

  it("are the texts that UTF-8 makes of them: half a pair is sent as U+FFFD, and moves nothing", () => {
    const packed = make()
    const texts = ["a\ud800b", "c", ...Array.from({ length: 100 }, (_, n) => `${n}`)]
    texts.forEach((json, n) => packed.push({ id: `${n}`, lane: "lane", json, attempts: 0 }))
    assert.deepStrictEqual(texts.map(() => packed.shift()?.json), ["a\ufffdb", ...texts.slice(1)])
  })
})

describe("UTF-8", () => {
  it.prop("there and back is the same text", [fc.string({ unit: "binary" })], ([text]) => {
    assert.strictEqual(decode(encode(`\ufeff${text}`)), `\ufeff${text}`)
    assert.deepStrictEqual(Buffer.from(encode(text)), Buffer.from(text))
  })
})
