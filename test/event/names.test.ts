import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import type { Named } from "../../src/internal/event/names.js"
import { Names } from "../../src/internal/event/names.js"

interface Entry extends Named<Entry> {
  readonly value: number
}

describe("Names", () => {
  it.prop(
    "find what a map finds, in whatever order names come",
    [FastCheck.array(FastCheck.constantFrom("a", "b", "c", "__proto__", "unknown"), { maxLength: 40, size: "max" })],
    ([asked]) => {
      const entries = new Map(
        ["a", "b", "c", "__proto__"].map((
          name,
          value
        ): [string, Entry] => [name, { name, value, following: undefined }])
      )
      const names = new Names<Entry>((name) => entries.get(name))
      for (const name of asked) assert.strictEqual(names.get(name), entries.get(name))
    }
  )

  it("are looked up once in an order that repeats", () => {
    const entries = new Map(
      ["a", "b", "c"].map((name, value): [string, Entry] => [name, { name, value, following: undefined }])
    )
    let lookUps = 0
    const names = new Names<Entry>((name) => {
      lookUps++
      return entries.get(name)
    })
    for (let round = 0; round < 5; round++) for (const name of entries.keys()) names.get(name)
    assert.strictEqual(lookUps, 4)
  })
})
