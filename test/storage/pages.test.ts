import { assert, describe, it } from "@effect/vitest"
import type { EventStorage } from "effect-amplitude"
import * as fc from "effect/FastCheck"
import * as Pages from "../../src/internal/storage/pages.js"

const buffers: ReadonlyArray<Uint8Array> = [new Uint8Array(1000), new Uint8Array(1000)]

const eventOf = (sequence: number, buffer: number, client: number, size: number): EventStorage.EncodedEvent => ({
  clientId: `client-${client}`,
  sequence,
  lane: `lane-${sequence % 3}`,
  buffer: buffers[buffer]!,
  start: sequence,
  end: sequence + size,
  attempts: client,
  retries: 0
})

const plain = ({ attempts, buffer, clientId, end, lane, retries, sequence, start }: EventStorage.EncodedEvent) => ({
  clientId,
  sequence,
  lane,
  buffer: buffers.indexOf(buffer),
  start,
  end,
  attempts,
  retries
})

type Step =
  | { readonly _tag: "push"; readonly buffer: number; readonly client: number; readonly size: number }
  | { readonly _tag: "shift" | "pop" | "first" }
  | { readonly _tag: "take"; readonly maxEvents: number; readonly maxBytes: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      _tag: fc.constant("push" as const),
      buffer: fc.nat(1),
      client: fc.nat(1),
      size: fc.integer({ min: 1, max: 50 })
    })
  },
  fc.record({ _tag: fc.constantFrom("shift" as const, "pop" as const, "first" as const) }),
  fc.record({ _tag: fc.constant("take" as const), maxEvents: fc.nat(5), maxBytes: fc.nat(100) })
)

describe("pages", () => {
  it("hand out what an array does, in the same order, with positions that increase", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: "max" }), (steps) => {
        const pages = Pages.make()
        const model: Array<EventStorage.EncodedEvent> = []
        let sequence = 0
        let last = -1
        for (const one of steps) {
          switch (one._tag) {
            case "push": {
              const event = eventOf(++sequence, one.buffer, one.client, one.size)
              pages.push(event)
              model.push(event)
              break
            }
            case "first":
              assert.deepStrictEqual(pages.first() && plain(pages.first()!), model[0] && plain(model[0]))
              break
            case "shift": {
              const event = pages.shift()
              assert.deepStrictEqual(event && plain(event), model[0] && plain(model.shift()!))
              if (event !== undefined) {
                assert.isAbove(event.position, last)
                last = event.position
              }
              break
            }
            case "pop": {
              const event = pages.pop()
              assert.deepStrictEqual(event && plain(event), model.length === 0 ? undefined : plain(model.pop()!))
              break
            }
            case "take": {
              const taken = pages.take(one)
              let bytes = 0
              const expected: Array<EventStorage.EncodedEvent> = []
              for (const event of model) {
                bytes += event.end - event.start + 1
                if (expected.length >= one.maxEvents || (expected.length > 0 && bytes > one.maxBytes)) break
                expected.push(event)
              }
              model.splice(0, expected.length)
              assert.deepStrictEqual(taken.map(plain), expected.map(plain))
              for (const { position } of taken) {
                assert.isAbove(position, last)
                last = position
              }
            }
          }
          for (const client of [0, 1]) {
            const of = { clientId: `client-${client}`, upTo: sequence - 2 }
            assert.strictEqual(
              pages.count(of),
              model.filter((event) => event.clientId === of.clientId && event.sequence <= of.upTo).length
            )
          }
        }
      }),
      { seed: 20261128 }
    )
  })

  it("hold more events than one page", () => {
    const pages = Pages.make()
    for (let sequence = 1; sequence <= 700; sequence++) pages.push(eventOf(sequence, 0, 0, 1))
    assert.deepStrictEqual(
      pages.take({ maxEvents: 1000, maxBytes: Infinity }).map(({ sequence }) => sequence),
      Array.from({ length: 700 }, (_, index) => index + 1)
    )
    assert.isUndefined(pages.first())
  })
})
