/** Bodies of events in their pages, and of events that left them. */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { Writer } from "../../src/internal/event/jsonWriter.js"
import * as Packed from "../../src/internal/storage/pages.js"
import { joined, Node, toPlain } from "../../src/internal/storage/storedEvent.js"

const ids: Packed.Ids = { idOf: (number) => `id-${number}` }

const nodesOf = (texts: ReadonlyArray<string>): ReadonlyArray<Node> => {
  const packed = Packed.make((page, index, bytes) => new Node(page, index, bytes))
  texts.forEach((text, number) => {
    const writer = new Writer()
    writer.text(text)
    packed.write(ids, number, { writer, laneFrom: 0, laneTo: writer.at })
  })
  return packed.take({ count: Infinity, bytes: Infinity })
}

const texts = fc.array(fc.string({ unit: "binary", maxLength: 3000 }), { minLength: 1, maxLength: 100 })

describe("events in their pages", () => {
  it.prop("are joined, whichever of them are left", [texts, fc.infiniteStream(fc.boolean())], ([texts, chosen]) => {
    const nodes = nodesOf(texts).filter(() => chosen.next().value as boolean)
    if (nodes.length === 0) return
    const body = joined("{\"é\":[", nodes, "],\"and\":\"so on\"}")
    assert.strictEqual(
      new TextDecoder().decode(body),
      `{"é":[${nodes.map((node) => node.json).join(",")}],"and":"so on"}`
    )
  })

  it.prop("say the same when they have left them, but are not joined any more", [texts], ([texts]) => {
    const nodes = nodesOf(texts)
    const before = nodes.map(toPlain)
    assert.deepStrictEqual(
      before,
      texts.map((text, number) => ({
        id: `id-${number}`,
        // half a pair is escaped in JSON, and no other text is
        lane: JSON.parse(JSON.stringify(text)) as string,
        json: JSON.stringify(text),
        attempts: 0
      }))
    )
    const last = nodes[nodes.length - 1]!
    last.standAlone()
    last.page = undefined
    assert.deepStrictEqual(nodes.map(toPlain), before)
    assert.isUndefined(joined("[", nodes, "]"))
  })
})
