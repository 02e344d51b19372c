import { assert, describe, it } from "@effect/vitest"
import type { Properties } from "../../src/internal/devServer/properties.js"
import { apply } from "../../src/internal/devServer/properties.js"

const given = (properties: Readonly<Record<string, unknown>>): Properties =>
  new Map(Object.entries(properties).map(([name, value]) => [name, { value, event: "before", at: 1 }]))

const after = (before: Readonly<Record<string, unknown>>, operations: unknown) => {
  const properties = given(before)
  const changes = apply(properties, operations, "event", 2)
  return { changes, values: Object.fromEntries(Array.from(properties, ([name, { value }]) => [name, value])) }
}

describe("operations on properties", () => {
  it.each(
    [
      ["$set", { $set: { plan: "pro" } }, { plan: "free" }, { plan: "pro" }],
      ["fields that are no operation", { plan: "pro" }, {}, { plan: "pro" }],
      ["$setOnce", { $setOnce: { plan: "pro", city: "Bonn" } }, { plan: "free" }, { plan: "free", city: "Bonn" }],
      ["$add", { $add: { logins: 2, visits: 1, plan: "x" } }, { logins: 1, plan: "free" }, {
        logins: 3,
        plan: "free",
        visits: 1
      }],
      ["$append", { $append: { tags: ["b"], first: 1 } }, { tags: ["a"] }, { tags: ["a", "b"], first: [1] }],
      ["$prepend", { $prepend: { tags: "b" } }, { tags: ["a"] }, { tags: ["b", "a"] }],
      ["$preInsert", { $preInsert: { tags: ["a", "b"] } }, { tags: ["a"] }, { tags: ["b", "a"] }],
      ["$postInsert", { $postInsert: { tags: [{ x: 1 }, "b"] } }, { tags: [{ x: 1 }] }, { tags: [{ x: 1 }, "b"] }],
      ["$remove", { $remove: { tags: ["a"], none: 1 } }, { tags: ["a", "b"] }, { tags: ["b"] }],
      ["$unset", { $unset: { plan: "-" } }, { plan: "free", city: "Bonn" }, { city: "Bonn" }],
      ["$clearAll", { $clearAll: "-" }, { plan: "free", city: "Bonn" }, {}],
      ["what is no object", "nothing", { plan: "free" }, { plan: "free" }]
    ] as const
  )("%s", (_, operations, before, expected) => {
    assert.deepStrictEqual(after(before, operations).values, expected)
  })

  it("are applied in the order of the service, whatever theirs", () => {
    const { changes, values } = after({ plan: "free", logins: 5 }, {
      $add: { logins: 1 },
      $set: { logins: 10 },
      $clearAll: "-"
    })
    assert.deepStrictEqual(values, { logins: 11 })
    assert.deepStrictEqual(changes, [
      { property: "plan", before: "free" },
      { property: "logins", before: 5, after: 11 }
    ])
  })

  it("that change nothing are no change", () => {
    assert.deepStrictEqual(after({ plan: "pro", tags: ["a"] }, { $set: { plan: "pro" }, $postInsert: { tags: "a" } }), {
      changes: [],
      values: { plan: "pro", tags: ["a"] }
    })
  })
})
