import { assert, describe, it } from "@effect/vitest"
import { at, differences, isAtFault, isMatch, nearest, userOf } from "../../src/internal/devServer/matching.js"

const received = (event: object, verdict = "kept", id = "1") =>
  ({ id, verdict, reasons: [], violations: [], alterations: [], event }) as never

const played = {
  event_type: "Played",
  user_id: "user-12345",
  event_properties: { title: "Help", "a.b": 1, tags: ["x"] }
}

describe("what is expected of events", () => {
  it.each<[string, unknown]>([
    ["event_type", "Played"],
    ["event_properties.title", "Help"],
    ["event_properties.title.length", undefined],
    ["event_properties.missing.deeper", undefined],
    ["toString", undefined],
    ["event_properties.constructor", undefined]
  ])("finds %s", (path, value) => {
    assert.deepStrictEqual(at(played, path), value)
  })

  it("a field that has a dot in its name comes before a path", () => {
    assert.strictEqual(at({ "a.b": 1, a: { b: 2 } }, "a.b"), 1)
    assert.strictEqual(at("text", "length"), undefined)
  })

  it("objects may have more fields than are wanted; arrays are compared whole", () => {
    assert.isTrue(isMatch(received(played), { where: { event_properties: { title: "Help" } } }))
    assert.isTrue(isMatch(received(played), { where: { "event_properties.tags": ["x"] } }))
    assert.deepStrictEqual(
      differences(received(played), { where: { event_properties: { tags: ["x", "y"], no: 1 } } }),
      [
        { path: "event_properties.tags", given: ["x"], wanted: ["x", "y"] },
        { path: "event_properties.no", wanted: 1 }
      ]
    )
    assert.deepStrictEqual(differences(received(played), { where: { "event_properties.title": { a: 1 } } }), [
      { path: "event_properties.title", given: "Help", wanted: { a: 1 } }
    ])
  })

  it("the order of fields means nothing, in arrays too", () => {
    const sold = { event_properties: { items: [{ id: 1, tags: { a: [1], b: null } }] } }
    const wanted = (items: unknown) => isMatch(received(sold), { where: { "event_properties.items": items } })
    assert.isTrue(wanted([{ tags: { b: null, a: [1] }, id: 1 }]))
    assert.isFalse(wanted([{ tags: { b: null, a: [1] }, id: 1, more: 1 }]))
    assert.isFalse(wanted([{ tags: { b: null, a: [1, 2] }, id: 1 }]))
    assert.isFalse(wanted([{ tags: { b: null, a: [1] } }]))
    assert.isFalse(wanted({ 0: { id: 1 } }))
    assert.isTrue(isMatch(received({ at: "1970-01-01T00:00:00.000Z" }), { where: { at: new Date(0) } }))
  })

  it("a user is a user_id or a device_id", () => {
    assert.strictEqual(userOf({ user_id: "u", device_id: "d" }), "u")
    assert.strictEqual(userOf({ user_id: 7, device_id: "d" }), "d")
    assert.strictEqual(userOf({}), "")
    assert.isTrue(isMatch(received({ ...played, device_id: "d" }), { user: "d" }))
    assert.deepStrictEqual(differences(received({ device_id: "d" }, "fault"), { type: "Played", user: "u" }), [
      { path: "event_type", wanted: "Played" },
      { path: "user_id", given: "d", wanted: "u" },
      { path: "verdict", given: "fault", wanted: "kept" }
    ])
  })

  it("only an event at fault is at fault, and only one of the user who is named", () => {
    const bad = received(played, "fault")
    assert.isTrue(isAtFault(bad, { noneAtFault: true }))
    assert.isTrue(isAtFault(bad, { noneAtFault: true, user: "user-12345" }))
    assert.isFalse(isAtFault(bad, { noneAtFault: true, user: "another" }))
    assert.isFalse(isAtFault(bad, {}))
    assert.isFalse(isAtFault(received(played, "refused"), { noneAtFault: true }))
  })

  it("the nearest miss has the type, then the fewest differences, and of several is the newest", () => {
    const matcher = { type: "Played", where: { event_properties: { title: "Yesterday", seconds: 1 } } }
    const miss = (id: string, event_type: string, event_properties: object) =>
      received({ event_type, event_properties }, "kept", id)
    const events = [
      miss("1", "Paused", { title: "Yesterday" }),
      miss("2", "Played", { title: "Help" }),
      miss("3", "Played", { seconds: 1 }),
      miss("4", "Played", { title: "Yesterday" }),
      miss("5", "Played", { title: "Yesterday", seconds: 1 })
    ]
    assert.strictEqual(nearest(events, matcher)?.event.id, "4")
    assert.strictEqual(nearest(events.slice(0, 2), matcher)?.event.id, "2")
    assert.strictEqual(nearest(events.slice(0, 1), matcher)?.event.id, "1")
    assert.strictEqual(nearest(events.slice(0, 1), { where: { "event_properties.title": "Help" } })?.event.id, "1")
    assert.isUndefined(nearest(events.slice(4), matcher))
    assert.isUndefined(nearest([], matcher))
  })
})
