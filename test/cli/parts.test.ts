/** The parts of `send`: lines, outstanding events, the limits of each user. */
import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { LineSplitter, maxLineBytes } from "../../src/internal/cli/lines.js"
import { Outstanding } from "../../src/internal/cli/outstanding.js"
import { deviceBucket, userBucket, UserLimits } from "../../src/internal/cli/userLimits.js"

describe("LineSplitter", () => {
  it.prop("cuts the same lines however the bytes come", {
    lines: FastCheck.array(
      FastCheck.string({ unit: "grapheme", maxLength: 30, size: "max" }).filter((line) => !/[\n\ufeff]/.test(line)),
      { maxLength: 20, size: "max" }
    ),
    sizes: FastCheck.array(FastCheck.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 10 }),
    isEnded: FastCheck.boolean()
  }, ({ isEnded, lines, sizes }) => {
    const text = lines.join("\n") + (isEnded && lines.length > 0 ? "\n" : "")
    const bytes = Buffer.from(text)
    const splitter = new LineSplitter()
    const cut = []
    for (let at = 0, index = 0; at < bytes.length; index++) {
      const size = sizes[index % sizes.length]!
      cut.push(...splitter.push(bytes.subarray(at, at + size)))
      at += size
    }
    cut.push(...splitter.finish())
    let end = 0
    const expected = lines.flatMap((text, index) => {
      end = Math.min(bytes.length, end + Buffer.byteLength(text) + 1)
      return text.trim() === "" ? [] : [{ line: index + 1, end, text }]
    })
    assert.deepStrictEqual(cut, expected)
    // reading from a checkpoint gives the same lines
    for (const [index, { end, line }] of cut.entries()) {
      const rest = new LineSplitter({ line, end })
      assert.deepStrictEqual([...rest.push(bytes.subarray(end)), ...rest.finish()], expected.slice(index + 1))
    }
  })

  it("does not hold a line that no request could", () => {
    const splitter = new LineSplitter()
    const piece = Buffer.alloc(1_000_000, "x")
    for (let bytes = 0; bytes <= maxLineBytes; bytes += piece.length) {
      assert.deepStrictEqual(splitter.push(piece), [])
    }
    const [tooLong, next] = splitter.push(Buffer.from("\n{}\n"))
    assert.deepStrictEqual([tooLong?.line, tooLong?.text], [1, undefined])
    assert.deepStrictEqual([next?.line, next?.text], [2, "{}"])
  })
})

describe("Outstanding", () => {
  it.prop("is settled up to the first line that is under way, in whatever order the outcomes come", {
    order: FastCheck.shuffledSubarray(Array.from({ length: 30 }, (_, index) => index), { minLength: 30 }),
    refused: FastCheck.array(FastCheck.boolean(), { minLength: 30, maxLength: 30 })
  }, ({ order, refused }) => {
    const outstanding = new Outstanding({ line: 0, end: 0, sent: 0, refused: 0 })
    for (let line = 1; line <= 30; line++) outstanding.begin(line, line * 10, 10, `id-${line}`, "user", undefined)
    const done = new Set<number>()
    let written = ""
    for (const index of order) {
      outstanding.settle(outstanding.take(`id-${index + 1}`)!, refused[index]! ? `${index + 1}\n` : undefined)
      done.add(index)
      let settled = 0
      while (done.has(settled)) settled += 1
      assert.strictEqual(outstanding.settled.line, settled)
      assert.strictEqual(outstanding.settled.end, settled * 10)
      assert.strictEqual(outstanding.settled.sent + outstanding.settled.refused, settled)
      assert.strictEqual(outstanding.span, 30 - settled)
      assert.strictEqual(outstanding.events, 30 - done.size)
      written += outstanding.takeRefused()
    }
    assert.strictEqual(outstanding.bytes, 0)
    assert.strictEqual(written, refused.map((isRefused, index) => isRefused ? `${index + 1}\n` : "").join(""))
  })

  it("tells two lines with one id apart", () => {
    const outstanding = new Outstanding({ line: 0, end: 0, sent: 0, refused: 0 })
    const first = outstanding.begin(1, 1, 1, "same", "user", undefined)
    const second = outstanding.begin(2, 2, 1, "same", "user", undefined)
    assert.strictEqual(outstanding.take("same"), first)
    assert.strictEqual(outstanding.take("same"), second)
    assert.strictEqual(outstanding.take("same"), undefined)
  })
})

describe("UserLimits", () => {
  it("lets a user send 30,000 events in any 30 seconds, counting those under way", () => {
    const limits = new UserLimits(100)
    const user = userBucket("user-1")
    const device = deviceBucket("device-1")
    let sent = 0
    for (; limits.hasRoom(user, device, 100); sent++) limits.begin(user, device)
    assert.strictEqual(sent, 30_000)
    assert.isTrue(limits.hasRoom(userBucket("user-2"), deviceBucket("device-2"), 100))
    assert.isFalse(limits.hasRoom(userBucket("user-2"), device, 100))
    for (let index = 0; index < 20_000; index++) limits.end(user, device, true, 105)
    for (let index = 0; index < 10_000; index++) limits.end(user, device, false, 105)
    assert.isTrue(limits.hasRoom(user, device, 105))
    for (let index = 0; index < 10_000; index++) limits.begin(user, device)
    assert.isFalse(limits.hasRoom(user, device, 135.9))
    for (let index = 0; index < 10_000; index++) limits.end(user, device, true, 135.9)
    assert.isTrue(limits.hasRoom(user, device, 136))
    let again = 0
    for (; limits.hasRoom(user, device, 136); again++) limits.begin(user, device)
    assert.strictEqual(again, 20_000)
    for (let index = 0; index < again; index++) limits.end(user, device, true, 136)
    assert.isTrue(limits.hasRoom(user, device, 1000))
  })

  it("never lets more than 1000 a second through, whenever the outcomes come", () => {
    const limits = new UserLimits(0)
    const user = userBucket("user-1")
    const arrivals: Array<number> = []
    const underWay: Array<number> = []
    for (let now = 0; now < 120; now += 0.5) {
      // answers take up to 3 seconds
      while (underWay.length > 0 && underWay[0]! <= now - (now % 3)) {
        arrivals.push(underWay.shift()!)
        limits.end(user, -1, true, now)
      }
      for (let count = 0; count < 3000 && limits.hasRoom(user, -1, now); count++) {
        limits.begin(user, -1)
        underWay.push(now)
      }
    }
    for (let from = 0; from < 90; from++) {
      assert.isAtMost(arrivals.filter((at) => at >= from && at < from + 30).length, 30_000)
    }
    assert.isAbove(arrivals.length, 60_000)
  })
})
