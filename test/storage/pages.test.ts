/** Events that wait packed, against a model of them: an array. */
import { assert, describe, it, vi } from "@effect/vitest"
import type { EventStorage } from "effect-amplitude"
import * as fc from "fast-check"
import type * as Cut from "../../src/internal/delivery/batchLimits.js"
import { Writer } from "../../src/internal/event/jsonWriter.js"
import { decode, encode } from "../../src/internal/event/utf8.js"
import * as Packed from "../../src/internal/storage/pages.js"
import { toPlain } from "../../src/internal/storage/storedEvent.js"

type Event = EventStorage.EncodedEvent & { readonly sequence: number }

interface Placed {
  readonly page: Packed.Page
  readonly index: number
  readonly bytes: number
}

const make = () => Packed.make<Placed>((page, index, bytes) => ({ page, index, bytes }))

const plain = (placed: Placed | undefined): Event | undefined => {
  if (placed === undefined) return undefined
  const { bytes, index, page } = placed
  const json = page.jsonOf(index)
  assert.strictEqual(bytes, Buffer.byteLength(json))
  return {
    id: page.idOf(index),
    lane: page.laneOf(index),
    json,
    attempts: page.attemptsOf(index),
    sequence: page.sequence + index
  }
}

/** Those of two clients. */
const ids: ReadonlyArray<Packed.Ids> = ["one", "other"].map((prefix) => ({ idOf: (number) => `${prefix}-${number}` }))

/** Texts of every kind: short and long, of one, two, three and four bytes a character, empty ones, marks of byte order. */
const json = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 20 }),
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.constantFrom("", "\ufeff", "\ufeff{}", "é", "漢字", "😀", "{}"),
  fc.integer({ min: 1, max: 40_000 }).map((length) => "x".repeat(length)),
  fc.integer({ min: 1, max: 20_000 }).map((length) => "é😀".repeat(length))
)

type Step =
  | { readonly push: ReadonlyArray<string> }
  | { readonly write: ReadonlyArray<string> }
  | { readonly take: Cut.Limits; readonly leave: boolean }
  | "first"
  | "shift"
  | "pop"
  | { readonly shift: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.array(json, { maxLength: 10 }).map((push) => ({ push })),
  fc.array(json, { maxLength: 10 }).map((write) => ({ write })),
  // enough for several pages
  fc.integer({ min: 50, max: 200 }).map((count) => ({ push: Array.from({ length: count }, (_, n) => `{"n":${n}}`) })),
  fc.integer({ min: 50, max: 300 }).map((count) => ({
    write: Array.from({ length: count }, (_, n) => `{"n":"${"0".repeat(n)}"}`)
  })),
  fc.record({
    take: fc.record({ count: fc.integer({ min: 1, max: 300 }), bytes: fc.integer({ min: 1, max: 60_000 }) }),
    leave: fc.boolean()
  }),
  fc.constantFrom("first" as const, "shift" as const, "pop" as const),
  fc.integer({ min: 1, max: 150 }).map((shift) => ({ shift }))
)

/** As many of the first ones as fit, one at least. */
const fitting = (events: ReadonlyArray<Event>, { bytes, count }: Cut.Limits): number => {
  let [taken, room] = [0, bytes]
  while (taken < events.length && taken < count) {
    room -= Buffer.byteLength(events[taken]!.json) + 1
    if (room < 0 && taken > 0) break
    taken++
  }
  return taken
}

describe("packed events", () => {
  it.prop("do as an array does", [fc.array(step, { maxLength: 40 })], ([steps]) => {
    const packed = make()
    let model: ReadonlyArray<Event> = []
    let pushed = 0
    let sequence = 0
    const add = (event: EventStorage.EncodedEvent) => {
      model = [...model, { ...event, sequence: sequence++ }]
    }
    const push = (json: string) => {
      const event = { id: `id-${++pushed}`, lane: `lane-${pushed % 7}`, json, attempts: pushed % 3 }
      packed.push(event)
      add(event)
    }
    const write = (json: string) => {
      const lane = `lane "${++pushed}" é`
      const writer = new Writer()
      writer.raw(json)
      const laneFrom = writer.at
      writer.text(lane)
      const laneTo = writer.at
      packed.write(ids[pushed % 50 === 0 ? 1 : 0]!, pushed, { writer, laneFrom, laneTo })
      const prefix = pushed % 50 === 0 ? "other" : "one"
      add({ id: `${prefix}-${pushed}`, lane, json: json + JSON.stringify(lane), attempts: 0 })
    }
    const shift = () => {
      assert.deepStrictEqual(plain(packed.shift()), model[0])
      model = model.slice(1)
    }
    for (const step of steps) {
      if (step === "first") assert.deepStrictEqual(plain(packed.first()), model[0])
      else if (step === "shift") shift()
      else if (step === "pop") {
        const newest = model.at(-1)
        assert.deepStrictEqual(packed.pop(), newest === undefined ? undefined : toPlain(newest))
        if (model.length > 0) sequence--
        model = model.slice(0, -1)
      } else if ("push" in step) step.push.forEach(push)
      else if ("write" in step) step.write.forEach(write)
      else if ("take" in step) {
        const taken = packed.take(step.take)
        const expected = model.slice(0, fitting(model, step.take))
        assert.deepStrictEqual(taken.map((event) => plain(event)), expected)
        model = model.slice(taken.length)
        // what is left is written over, and nothing else is
        for (const { page } of step.leave ? taken : []) if (++page.left === page.count) packed.reuse(page)
      } else for (let count = 0; count < step.shift; count++) shift()
    }
    while (model.length > 0) shift()
    assert.isUndefined(packed.first())
    assert.isUndefined(packed.shift())
    assert.isUndefined(packed.pop())
    assert.deepStrictEqual(packed.take({ count: 1, bytes: 1 }), [])
  }, { fastCheck: { numRuns: 300 } })

  it("fill pages again that are left, and take no more memory", () => {
    const packed = make()
    const writer = new Writer()
    writer.text("x".repeat(1000))
    const pages = new Set<Packed.Page>()
    for (let round = 0; round < 100; round++) {
      for (let count = 0; count < 200; count++) packed.write(ids[0]!, count, { writer, laneFrom: 0, laneTo: 0 })
      for (const { page } of packed.take({ count: 200, bytes: Infinity })) {
        pages.add(page)
        if (++page.left === page.count) packed.reuse(page)
      }
    }
    assert.isBelow(pages.size, 20)
  })

  for (const length of [1000, 70_000, 300_000]) {
    it(`lie in memory that goes back to the system when many wait, of ${length} bytes each`, () => {
      const packed = make()
      const writer = new Writer()
      writer.text("x".repeat(length))
      const count = Math.ceil(5_000_000 / length)
      for (let n = 0; n < count; n++) packed.write(ids[0]!, n, { writer, laneFrom: 0, laneTo: writer.at })
      const events = packed.take({ count, bytes: Infinity })
      const isResizable = ({ page }: Placed) =>
        (page.bytes.buffer as { readonly resizable?: boolean }).resizable === true
      // but for those on the first, small pages
      assert.isAtMost(events.filter((event) => !isResizable(event)).length, 200_000 / length)
      for (const event of events) assert.strictEqual(plain(event)!.json, `"${"x".repeat(length)}"`)
    })
  }

  it("of several clients, whose ids are not theirs alone, share pages", () => {
    const packed = make()
    const writer = new Writer()
    writer.text("a lane")
    const written = { writer, laneFrom: 0, laneTo: writer.at }
    for (let count = 0; count < 1000; count++) packed.write(ids[count % 2]!, count, written)
    const events = packed.take({ count: 1000, bytes: Infinity })
    assert.isBelow(new Set(events.map(({ page }) => page)).size, 20)
    assert.deepStrictEqual(
      events.map((event) => plain(event)),
      Array.from({ length: 1000 }, (_, count) => ({
        id: ids[count % 2]!.idOf(count),
        lane: "a lane",
        json: "\"a lane\"",
        attempts: 0,
        sequence: count
      }))
    )
  })

  it("asked for the first one twice give the same one, until it is taken", () => {
    const packed = make()
    for (const id of ["1", "2"]) packed.push({ id, lane: "lane", json: "{}", attempts: 0 })
    const first = packed.first()
    assert.strictEqual(plain(first)?.id, "1")
    assert.strictEqual(packed.first(), first)
    assert.strictEqual(packed.shift(), first)
    assert.strictEqual(plain(packed.first())?.id, "2")
  })

  it("are the texts that UTF-8 makes of them: half a pair is sent as U+FFFD, and moves nothing", () => {
    const packed = make()
    const texts = ["a\ud800b", "c", ...Array.from({ length: 100 }, (_, n) => `${n}`)]
    texts.forEach((json, n) => packed.push({ id: `${n}`, lane: "lane", json, attempts: 0 }))
    assert.deepStrictEqual(texts.map(() => plain(packed.shift())?.json), ["a\ufffdb", ...texts.slice(1)])
  })
})

describe("UTF-8", () => {
  it.prop("there and back is the same text", [fc.string({ unit: "binary" })], ([text]) => {
    assert.strictEqual(decode(encode(`\ufeff${text}`)), `\ufeff${text}`)
    assert.deepStrictEqual(Buffer.from(encode(text)), Buffer.from(text))
  })

  it("is decoded where the platform takes nothing that can be resized, as browsers do", async () => {
    const { TextDecoder } = globalThis
    class Strict extends TextDecoder {
      override decode(bytes: Uint8Array): string {
        if ((bytes.buffer as { readonly resizable?: boolean }).resizable === true) throw new TypeError("resizable")
        return super.decode(bytes)
      }
    }
    vi.resetModules()
    vi.stubGlobal("TextDecoder", Strict)
    const { ResizableArrayBuffer, decodeRange } = await import("../../src/internal/event/utf8.js")
    vi.unstubAllGlobals()
    const bytes = new Uint8Array(new ResizableArrayBuffer(16, { maxByteLength: 16 }))
    bytes.set(encode("a \ufeffé"))
    assert.strictEqual(decodeRange(bytes, 2, 7), "\ufeffé")
  })
})
