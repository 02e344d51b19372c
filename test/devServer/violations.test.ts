import { assert, describe, it } from "@effect/vitest"
import { violations } from "../../src/internal/devServer/violations.js"

const plan = {
  "Song Played": {
    type: "object",
    required: ["title"],
    additionalProperties: false,
    properties: {
      title: { type: "string" },
      seconds: { type: "integer" },
      share: { type: "number" },
      liked: { type: ["boolean", "null"] },
      tags: { type: "array", items: { enum: ["new", "old"] } },
      artist: { type: "object", required: ["name"] },
      source: { anyOf: [{ type: "string" }, { type: "object", required: ["id"] }] },
      anything: true
    }
  }
}

const of = (event_properties: unknown, event_type = "Song Played") =>
  violations(plan)({ event_type, event_properties }).map(({ path, wanted }) => `${path}: ${wanted}`)

describe("violations of a plan", () => {
  it("are none where the properties are those of the plan", () => {
    assert.deepStrictEqual(
      of({
        title: "So What",
        seconds: 562,
        share: 0.5,
        liked: null,
        tags: ["new", "old"],
        artist: { name: "Miles Davis", born: 1926 },
        source: { id: 1 },
        anything: [{}]
      }),
      []
    )
    assert.deepStrictEqual(of({ title: "So What", source: "radio" }), [])
  })

  it("name the property, and what the plan wants there", () => {
    assert.deepStrictEqual(of({ title: 1 }), ["event_properties.title: string"])
    assert.deepStrictEqual(of({ title: "", seconds: 1.5 }), ["event_properties.seconds: integer"])
    assert.deepStrictEqual(of({ title: "", liked: "yes" }), ["event_properties.liked: boolean or null"])
    assert.deepStrictEqual(of({ title: "", tags: ["new", "odd"] }), [
      "event_properties.tags[1]: one of \"new\", \"old\""
    ])
    assert.deepStrictEqual(of({ title: "", artist: [] }), ["event_properties.artist: object"])
    assert.deepStrictEqual(of({ title: "", artist: {} }), [
      "event_properties.artist.name: a value: the plan requires it"
    ])
    assert.deepStrictEqual(of({ title: "", source: {} }), [
      "event_properties.source: one of the forms in the plan"
    ])
    assert.deepStrictEqual(of({ title: "", sceonds: 1 }), [
      "event_properties.sceonds: nothing: the plan does not name it"
    ])
    assert.deepStrictEqual(of(undefined), ["event_properties.title: a value: the plan requires it"])
  })

  it("name an event that the plan does not have, save Amplitude's own", () => {
    assert.deepStrictEqual(of({}, "Song Paused"), ["event_type: an event of the plan"])
    assert.deepStrictEqual(of({}, "toString"), ["event_type: an event of the plan"])
    assert.deepStrictEqual(of({}, "$identify"), [])
    assert.deepStrictEqual(of({}, "[Amplitude] Start Session"), [])
  })

  it("are none without a plan", () => {
    assert.deepStrictEqual(violations(undefined)({ event_type: "Song Paused" }), [])
  })
})
