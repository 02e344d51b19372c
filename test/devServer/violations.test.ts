import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { TrackingPlan } from "effect-amplitude"
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

  it("are found by every keyword that a plan of TrackingPlan has", () => {
    const Tag = Schema.NonEmptyString.annotations({ identifier: "Tag" })
    const { jsonSchema } = TrackingPlan.make({
      Rated: {
        stars: Schema.Int.annotations({ description: "One to five" }).pipe(Schema.between(1, 5)),
        share: Schema.Number.pipe(Schema.greaterThan(0), Schema.lessThan(1)),
        code: Schema.String.pipe(Schema.minLength(2), Schema.maxLength(3), Schema.pattern(/^[A-Z]+$/)),
        tags: Schema.Array(Tag).pipe(Schema.minItems(1), Schema.maxItems(2)),
        counts: Schema.Record({ key: Schema.String, value: Schema.Int }),
        kind: Schema.Literal("album")
      }
    })
    const check = violations(jsonSchema)
    const rated = { stars: 5, share: 0.5, code: "DE", tags: ["new"], counts: { a: 1 }, kind: "album" }
    const wrong = (fields: object) =>
      check({ event_type: "Rated", event_properties: { ...rated, ...fields } })
        .map(({ path, wanted }) => `${path.replace("event_properties.", "")}: ${wanted}`)
    assert.deepStrictEqual(wrong({}), [])
    assert.deepStrictEqual(wrong({ stars: 1.5 }), ["stars: integer"])
    assert.deepStrictEqual(wrong({ stars: 0 }), ["stars: at least 1"])
    assert.deepStrictEqual(wrong({ stars: 6 }), ["stars: at most 5"])
    assert.deepStrictEqual(wrong({ share: 0 }), ["share: above 0"])
    assert.deepStrictEqual(wrong({ share: 1 }), ["share: below 1"])
    assert.deepStrictEqual(wrong({ code: "D" }), ["code: at least 2 characters"])
    assert.deepStrictEqual(wrong({ code: "de" }), ["code: a text that matches ^[A-Z]+$"])
    assert.deepStrictEqual(wrong({ code: "DEUT" }), ["code: at most 3 characters"])
    assert.deepStrictEqual(wrong({ tags: [] }), ["tags: at least 1 items"])
    assert.deepStrictEqual(wrong({ tags: ["a", "b", "c"] }), ["tags: at most 2 items"])
    assert.deepStrictEqual(wrong({ tags: [""] }), ["tags[0]: at least 1 characters"])
    assert.deepStrictEqual(wrong({ counts: { a: "1" } }), ["counts.a: integer"])
    assert.deepStrictEqual(wrong({ kind: "song" }), ["kind: one of \"album\""])
  })

  it("are none for a schema that refers to itself or to nothing, or whose pattern cannot be read", () => {
    const check = violations({
      Looped: {
        $ref: "#/$defs/a",
        $defs: {
          a: { allOf: [{ $ref: "#/$defs/a" }], properties: { "a/b": { $ref: "#/$defs/x~1y" } } },
          "x/y": { const: 1 }
        }
      },
      Broken: { properties: { text: { pattern: "(" }, other: { $ref: "#/$defs/none" } } }
    })
    assert.deepStrictEqual(check({ event_type: "Broken", event_properties: { text: "a", other: 1 } }), [])
    assert.deepStrictEqual(check({ event_type: "Looped", event_properties: { "a/b": 1 } }), [])
    assert.deepStrictEqual(
      check({ event_type: "Looped", event_properties: { "a/b": 2 } })[0],
      { path: "event_properties.a/b", wanted: "one of 1" }
    )
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
