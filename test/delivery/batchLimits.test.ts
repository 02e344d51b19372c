import { assert, describe, it } from "@effect/vitest"
import { BatchLimits, sizeOf } from "../../src/internal/delivery/batchLimits.js"

const configured = { maxEvents: 100, maxBytes: 10_000 }

const eventOf = (start: number, end: number) => ({
  clientId: "client",
  sequence: 1,
  lane: "lane",
  buffer: new Uint8Array(0),
  start,
  end,
  attempts: 0,
  retries: 0
})

describe("batch limits", () => {
  it("are the configured ones until the endpoint refuses a request", () => {
    assert.strictEqual(new BatchLimits().current(configured), configured)
  })

  it("the limit that a request met halves, and doubles after each success until it is the configured one", () => {
    const limits = new BatchLimits()
    limits.shrink({ maxEvents: 100, maxBytes: 500 }, configured)
    assert.deepStrictEqual(limits.current(configured), { maxEvents: 50, maxBytes: 10_000 })
    limits.shrink({ maxEvents: 20, maxBytes: 9_000 }, configured)
    limits.shrink({ maxEvents: 10, maxBytes: 5_000 }, configured)
    assert.deepStrictEqual(limits.current(configured), { maxEvents: 50, maxBytes: 2500 })
    limits.grow(configured)
    assert.deepStrictEqual(limits.current(configured), { maxEvents: 100, maxBytes: 5000 })
    limits.grow(configured)
    assert.strictEqual(limits.current(configured), configured)
  })

  it("never shrink below one event and one byte", () => {
    const limits = new BatchLimits()
    for (let index = 0; index < 20; index++) limits.shrink({ maxEvents: 1, maxBytes: 1 }, { maxEvents: 1, maxBytes: 1 })
    assert.deepStrictEqual(limits.current(configured), { maxEvents: 1, maxBytes: 10_000 })
  })

  it("the size of events counts a comma for each", () => {
    assert.deepStrictEqual(sizeOf([eventOf(0, 10), eventOf(11, 31)]), { maxEvents: 2, maxBytes: 32 })
    assert.deepStrictEqual(sizeOf([]), { maxEvents: 0, maxBytes: 0 })
  })
})
