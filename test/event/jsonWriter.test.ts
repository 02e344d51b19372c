/** The JSON writer, compared with `JSON.stringify`. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Amplitude, AmplitudeConfig, AmplitudeLogger, EventStorage, Transport } from "effect-amplitude"
import * as fc from "fast-check"
import { randomUuid } from "../../src/internal/event/insertId.js"
import { JsonWriter } from "../../src/internal/event/jsonWriter.js"

const written = (write: (writer: JsonWriter) => void): string => {
  const writer = new JsonWriter()
  write(writer)
  return writer.textOf()
}

const everyUnit = Array.from({ length: 0x10000 }, (_, unit) => String.fromCharCode(unit)).join("")

describe("a writer", () => {
  it.prop("writes texts of every kind", [
    fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) }),
      fc.string({ unit: "grapheme" }),
      fc.string({ maxLength: 5000, size: "max" })
    )
  ], ([text]) => {
    assert.strictEqual(written((writer) => writer.text(text)), JSON.stringify(text))
  }, { fastCheck: { numRuns: 1000 } })

  it("writes every UTF-16 unit there is, beside every kind of neighbour", () => {
    assert.strictEqual(written((writer) => writer.text(everyUnit)), JSON.stringify(everyUnit))
    for (const neighbour of ["a", "é", "\ud83d", "\ude00", "\"", "\u0007"]) {
      const text = Array.from(everyUnit, (unit) => unit + neighbour).join("")
      assert.strictEqual(written((writer) => writer.text(text)), JSON.stringify(text))
    }
  })

  it.prop("writes numbers", [
    fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.maxSafeInteger(), fc.integer())
  ], ([number]) => {
    assert.strictEqual(written((writer) => writer.number(number)), JSON.stringify(number))
  }, { fastCheck: { numRuns: 1000 } })

  it("writes numbers at the edges", () => {
    const powers = Array.from({ length: 17 }, (_, power) => 10 ** power).filter(Number.isSafeInteger)
    const edges = [0, -0, 0.1, 1e21, 1e-7, 5e-324, 1.7976931348623157e308, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER]
    for (const number of [...powers, ...edges].flatMap((edge) => [edge - 1, edge, edge + 1])) {
      for (const signed of [number, -number]) {
        assert.strictEqual(written((writer) => writer.number(signed)), JSON.stringify(signed))
      }
    }
  })

  it("writes what is within what, and nothing where nothing is", () => {
    assert.strictEqual(
      written((writer) => {
        writer.openObject()
        writer.raw("\"é\":")
        writer.openArray()
        writer.number(1)
        writer.next()
        writer.openObject()
        writer.closeObject()
        writer.next()
        writer.openArray()
        writer.closeArray()
        writer.next()
        writer.closeArray()
        writer.next()
        writer.closeObject()
      }),
      "{\"é\":[1,{},[]]}"
    )
  })
})

describe("an id", () => {
  it("is a random UUID, each another one", () => {
    const ids = new Set(Array.from({ length: 5000 }, () => JSON.parse(written(randomUuid)) as string))
    assert.strictEqual(ids.size, 5000)
    for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })
})

/** Properties that track an event while they are read, whose properties do the same. */
const nested = (client: Amplitude.Client, depth: number): object => ({
  depth,
  get inner() {
    if (depth > 0) {
      Effect.runSync(
        client.track({ event_type: `inner ${depth}`, user_id: "user-1", event_properties: nested(client, depth - 1) })
      )
    }
    return "é".repeat(depth * 100)
  },
  toJSON() {
    if (depth > 3) {
      Effect.runSync(client.track(`toJSON ${depth}`, { text: "x".repeat(3000 - depth) }, { user_id: "user-1" }))
    }
    return { depth, inner: (this as { readonly inner: string }).inner }
  }
})

describe("events that are written while another one is", () => {
  it.effect("are sent as they are, each whole", () =>
    Effect.gen(function*() {
      const bodies: Array<string> = []
      const transport = Layer.succeed(Transport, {
        send: ({ body }) =>
          Effect.sync(() => bodies.push(new TextDecoder().decode(body))).pipe(
            Effect.as({ status: 200, headers: {}, body: "{}" })
          )
      })
      yield* Effect.gen(function*() {
        const client = yield* Amplitude
        yield* client.track({ event_type: "outer", user_id: "user-1", event_properties: nested(client, 5) })
        yield* client.track({
          event_type: "thrown",
          user_id: "user-1",
          event_properties: {
            get bad() {
              return assert.fail("bad")
            }
          }
        })
        yield* client.track({ event_type: "last", user_id: "user-1", event_properties: { ok: true } })
        yield* client.flush
      }).pipe(Effect.provide(Amplitude.layerServices.pipe(
        Layer.provide([EventStorage.layerMemory, transport, AmplitudeLogger.layerEffect]),
        Layer.provide(AmplitudeConfig.layer({ apiKey: "key" }))
      )))
      const events = bodies.flatMap((body) =>
        (JSON.parse(body) as {
          readonly events: ReadonlyArray<{ event_type: string; event_properties: Record<string, unknown> }>
        }).events
      )
      const textOf = ({ event_properties: { inner, text } }: typeof events[number]): string => String(inner ?? text)
      assert.deepStrictEqual(
        events.map((event) => [event.event_type, textOf(event)]),
        [
          ["toJSON 5", "x".repeat(1024)],
          ["toJSON 4", "x".repeat(1024)],
          ...[0, 1, 2, 3, 4].map((depth) => [`inner ${depth + 1}`, "é".repeat(depth * 100)]),
          ["outer", "é".repeat(500)],
          ["last", "undefined"]
        ]
      )
    }))
})
