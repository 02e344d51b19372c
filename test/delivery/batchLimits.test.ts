import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import * as Cut from "../../src/internal/delivery/batchLimits.js"
import { countBytes } from "../../src/internal/event/utf8.js"

const units = FastCheck.array(
  FastCheck.oneof(
    FastCheck.integer({ min: 0, max: 0xffff }),
    FastCheck.constantFrom(0x00, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xd800, 0xdbff, 0xdc00, 0xdfff, 0xe000, 0xffff)
  ),
  { maxLength: 60 }
).map((codes) => String.fromCharCode(...codes))

const wellFormed = FastCheck.string({ unit: "binary", maxLength: 60 })

/** A JSON string: lone surrogates are escaped there. */
const texts = FastCheck.oneof(wellFormed, units).map((text) => JSON.stringify(text))

const exact = (texts: ReadonlyArray<string>) => texts.reduce((sum, json) => sum + Buffer.byteLength(json) + 1, 0)

const seeded = { seed: 20240101, numRuns: 500 }

describe("byteLength", () => {
  it("is that of UTF-8, of any text and of any JSON", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.oneof(wellFormed, texts), (text) => {
        assert.strictEqual(countBytes(text), Buffer.byteLength(text))
      }),
      seeded
    )
  })

  it("a lone surrogate is sent as U+FFFD, three bytes", () => {
    FastCheck.assert(
      FastCheck.property(units, (text) => {
        assert.strictEqual(countBytes(text), Buffer.byteLength(text))
      }),
      seeded
    )
  })
})

describe("cut", () => {
  const limits = FastCheck.record({
    count: FastCheck.integer({ min: 1, max: 12 }),
    bytes: FastCheck.integer({ min: 1, max: 600 })
  })

  it("takes the longest beginning that is within the limits, and the first event always", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.array(texts, { minLength: 1, maxLength: 20 }), limits, (jsons, limits) => {
        const cut = Cut.make<{ readonly json: string }>(limits)
        const events = jsons.map((json) => ({ json }))
        const taken = events.findIndex((event) => !cut.add(event))
        const length = taken === -1 ? events.length : taken
        assert.deepStrictEqual(cut.events, events.slice(0, length))
        assert.isAtLeast(length, 1)
        assert.isAtMost(length, limits.count)
        const bytes = exact(jsons.slice(0, length))
        if (length > 1) assert.isAtMost(bytes, limits.bytes)
        if (length < events.length && length < limits.count) {
          assert.isAbove(bytes + exact(jsons.slice(length, length + 1)), limits.bytes)
        }
        assert.deepStrictEqual(Cut.sizeOf(cut.events), { count: length, bytes })
      }),
      seeded
    )
  })

  it("fits says whether events take at most so many bytes", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.array(texts, { maxLength: 10 }), FastCheck.nat({ max: 800 }), (jsons, bytes) => {
        assert.strictEqual(Cut.fits(jsons.map((json) => ({ json })), bytes), exact(jsons) <= bytes)
      }),
      seeded
    )
  })

  it("an event that does not fit leaves room for a smaller one", () => {
    const cut = Cut.make<{ readonly json: string }>({ count: 5, bytes: 10 })
    assert.isTrue(cut.add({ json: "12345" }))
    assert.isFalse(cut.add({ json: "12345" }))
    assert.isTrue(cut.add({ json: "123" }))
    assert.isFalse(cut.add({ json: "" }))
    assert.strictEqual(cut.events.length, 2)
  })
})
