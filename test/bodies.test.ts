import { assert, describe, it } from "@effect/vitest"
import * as Bodies from "../src/internal/bodies.js"

/** The memory of the next body, and whether the request with it is answered. */
const next = (bodies: Bodies.Bodies, length: number, isAnswered = true): ArrayBufferLike => {
  const { buffer, byteLength } = bodies.take(length)
  assert.strictEqual(byteLength, length)
  if (isAnswered) bodies.answered()
  return buffer
}

describe("the memory of bodies", () => {
  it("is used again for the request after the next, and not for the next", () => {
    const bodies = Bodies.make()
    const [first, second, third, fourth] = [900, 1000, 800, 1024].map((length) => next(bodies, length))
    assert.notStrictEqual(second, first)
    assert.strictEqual(third, first)
    assert.strictEqual(fourth, second)
  })

  it("is new where there is too little, or more than is kept", () => {
    const bodies = Bodies.make()
    const seen = [100, 100, 1000, 300_000, 100, 100].map((length) => next(bodies, length))
    assert.strictEqual(new Set(seen).size, seen.length)
    assert.strictEqual(next(bodies, 0), seen[4])
  })

  it("is new after a request that was not answered, and after one that was sent meanwhile", () => {
    for (
      const disturb of [(bodies: Bodies.Bodies) => bodies.forget(), (bodies: Bodies.Bodies) => void bodies.take(1)]
    ) {
      const bodies = Bodies.make()
      const before = [1000, 1000].map((length) => next(bodies, length))
      const unanswered = next(bodies, 1000, false)
      assert.strictEqual(unanswered, before[0])
      disturb(bodies)
      // an answer that comes late is no answer to what is sent now
      bodies.answered()
      const after = [1000, 1000].map((length) => next(bodies, length))
      assert.strictEqual(new Set([...before, ...after]).size, 4)
      assert.strictEqual(next(bodies, 1000), after[0])
    }
  })
})
