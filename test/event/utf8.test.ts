import { assert, describe, it } from "@effect/vitest"
import * as fc from "effect/FastCheck"
import { byteLength, countBytes, encode, textOf } from "../../src/internal/event/utf8.js"

/** Any UTF-16 units, halves of surrogate pairs among them. */
const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 50, size: "max" }).map((units) =>
    String.fromCharCode(...units)
  ),
  fc.array(fc.constantFrom("\ud83d", "\ude00", "a", "é", "漢", "😀"), { maxLength: 20, size: "max" }).map((parts) =>
    parts.join("")
  )
)

describe("UTF-8", () => {
  it("the bytes of a text are as many as are encoded, on any platform", () => {
    fc.assert(
      fc.property(text, (text) => {
        const { length } = encode(text)
        assert.strictEqual(countBytes(text), length)
        assert.strictEqual(byteLength(text), length)
        assert.strictEqual(byteLength(encode(text)), length)
      }),
      { numRuns: 2000, seed: 20261128 }
    )
  })

  it("a text is read from its place in a buffer", () => {
    const buffer = encode("[\"é😀\"]")
    assert.strictEqual(textOf({ buffer, start: 1, end: buffer.length - 1 }), "\"é😀\"")
  })
})
