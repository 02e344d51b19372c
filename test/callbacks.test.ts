import { assert, describe, it } from "@effect/vitest"
import { Callbacks } from "../src/internal/callbacks.js"

const make = (names: ReadonlyArray<string>) => {
  const callbacks = new Callbacks()
  const called: Array<string> = []
  const cancels = names.map((name) => callbacks.add(() => called.push(name)))
  const callAll = () => {
    while (!callbacks.isEmpty) callbacks.callFirst()
    return called
  }
  return { callbacks, called, cancels, callAll }
}

describe("callbacks", () => {
  it("are called once, in the order in which they were added", () => {
    const { callAll, callbacks } = make(["a", "b", "c"])
    assert.deepStrictEqual(callAll(), ["a", "b", "c"])
    callbacks.callFirst()
    assert.deepStrictEqual(callAll(), ["a", "b", "c"])
  })

  const orders = [[], [0], [1], [2], [0, 1], [1, 0], [1, 2], [2, 1], [0, 2], [0, 1, 2], [2, 1, 0], [1, 0, 2]]
  for (const taken of orders) {
    it(`are not called when they were taken back: ${taken.join(" ")}`, () => {
      const { callAll, cancels } = make(["a", "b", "c"])
      for (const index of taken) cancels[index]!()
      // once more says nothing
      for (const index of taken) cancels[index]!()
      assert.deepStrictEqual(callAll(), ["a", "b", "c"].filter((_, index) => !taken.includes(index)))
    })
  }

  it("can add and take back others while they are called", () => {
    const { callAll, callbacks, called, cancels } = make(["a", "b"])
    callbacks.add(() => {
      cancels[1]!()
      callbacks.add(() => called.push("d"))
    })
    callbacks.callFirst()
    cancels[0]!()
    assert.deepStrictEqual(callAll(), ["a", "b", "d"])
  })
})
