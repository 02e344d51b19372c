import { assert, describe, it } from "@effect/vitest"
import { observe } from "../../src/internal/devServer/observed.js"

const received = (event_type: string, event_properties: unknown, receivedAt: number, fields: object = {}) =>
  ({
    receivedAt,
    verdict: "kept",
    violations: [],
    event: { event_type, event_properties },
    ...fields
  }) as never

describe("the plan that events show", () => {
  it("has each type with its properties: their types, share, examples and times", () => {
    const { events } = observe([
      received("Played", { title: "a", seconds: 1 }, 1),
      received("Paused", undefined, 2),
      received("Played", { title: null, seconds: 1.5 }, 3, { violations: [{ path: "title", wanted: "string" }] }),
      received("Played", { title: ["b"] }, 4, { violations: [{ path: "title", wanted: "string" }] }),
      received("Played", { title: "of no account" }, 5, { verdict: "fault" })
    ])
    assert.deepStrictEqual(events, [
      {
        type: "Played",
        count: 3,
        firstSeen: 1,
        lastSeen: 4,
        properties: [
          {
            name: "title",
            types: ["string", "null", "array"],
            share: 1,
            examples: ["a", null, ["b"]],
            firstSeen: 1,
            lastSeen: 4
          },
          {
            name: "seconds",
            types: ["integer", "number"],
            share: 2 / 3,
            examples: [1, 1.5],
            firstSeen: 1,
            lastSeen: 3
          }
        ],
        violations: [{ path: "title", wanted: "string", count: 2 }]
      },
      { type: "Paused", count: 1, firstSeen: 2, lastSeen: 2, properties: [], violations: [] }
    ])
  })
})
