import { assert, describe, it, vi } from "@effect/vitest"
import { Effect, Either, Option } from "effect"
import Fs, { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { syncBuiltinESMExports } from "node:module"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DevServer } from "../../src/DevServer.js"
import * as Body from "../../src/internal/devServer/body.js"
import * as KeptFile from "../../src/internal/devServer/keptFile.js"
import * as RequestBody from "../../src/internal/devServer/requestBody.js"
import { Store, type Upload } from "../../src/internal/devServer/store.js"
import { get, post, upload } from "./support.js"

/** The path of a file in a folder of its own. */
const file = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "dev-server-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
  ),
  (folder) => join(folder, "kept.ndjson")
)

const emptyStore = () => new Store({ apiKeys: undefined, rateLimit: false, maxEvents: 10_000, violations: () => [] })

const uploadOf = (index: number, size = 0): Upload => {
  const text = JSON.stringify({
    api_key: "key",
    events: [{
      event_type: "Played",
      user_id: "user-12345",
      insert_id: String(index),
      event_properties: { a: "x".repeat(size) }
    }]
  })
  return {
    path: "/2/httpapi",
    body: Body.parse(text, "/2/httpapi"),
    text,
    bytes: text.length,
    headers: {},
    remoteAddress: Option.some("127.0.0.1"),
    now: 1000 + index
  }
}

const event = (fields: object = {}) => ({ event_type: "Played", user_id: "user-1", ...fields })

const idsOf = (received: ReadonlyArray<DevServer.ReceivedEvent>) => received.map(({ event }) => event["insert_id"])

describe("the file that keeps what arrived", () => {
  it.scoped("has what the server holds, and is bounded by that", () =>
    Effect.gen(function*() {
      const path = yield* file
      const store = emptyStore()
      let largest = 0
      yield* Effect.scoped(Effect.gen(function*() {
        const { append } = yield* KeptFile.open(path, store)
        for (let index = 0; index < 60; index++) {
          const held = uploadOf(index)
          store.receive(held, undefined)
          append(held, undefined)
          // stands for what the store pushed out
          append(uploadOf(1000 + index, 100_000), undefined)
          largest = Math.max(largest, statSync(path).size)
        }
        assert.isAbove(largest, 500_000)
        assert.isBelow(largest, 1_100_000)
      }))
      assert.deepStrictEqual(readdirSync(join(path, "..")), ["kept.ndjson"])
      assert.strictEqual(statSync(path).mode & 0o777, 0o600)
      assert.includeMembers(
        readFileSync(path, "utf8").trim().split("\n").map((line) => JSON.parse(line).now),
        store.uploads().map(({ receivedAt }) => receivedAt)
      )
    }))

  it.scoped("has every event that the server holds, however many requests brought them", () =>
    Effect.gen(function*() {
      const path = yield* file
      const store = emptyStore()
      yield* Effect.scoped(Effect.gen(function*() {
        const { append } = yield* KeptFile.open(path, store)
        for (let index = 0; index < 1200; index++) {
          const one = uploadOf(index)
          store.receive(one, undefined)
          append(one, undefined)
        }
      }))
      const again = emptyStore()
      yield* Effect.scoped(KeptFile.open(path, again))
      assert.lengthOf(again.received(), 1200)
      assert.deepStrictEqual(again.received(), store.received())
    }))

  it.scopedLive("does not bring back a project that was cleared", () =>
    Effect.gen(function*() {
      const path = yield* file
      yield* Effect.scoped(Effect.gen(function*() {
        const server = yield* DevServer.make({ file: path })
        yield* upload(server, [event({ insert_id: "a" })], { key: "key-of-one" })
        yield* upload(server, [event({ insert_id: "b" })], { key: "key-of-two" })
        yield* post(server, "/api/clear?project=key-of-one")
      }))
      yield* Effect.scoped(Effect.gen(function*() {
        const server = yield* DevServer.make({ file: path })
        assert.deepStrictEqual(idsOf(yield* server.received), ["b"])
        yield* server.clear
      }))
      assert.strictEqual(readFileSync(path, "utf8"), "")
    }))

  it.scopedLive("has what faults refused, with its verdict and whether it came back", () =>
    Effect.gen(function*() {
      const path = yield* file
      const look = (server: DevServer.Service) =>
        Effect.all([
          Effect.map(server.received, (received) => received.map(({ because = "", verdict }) => [verdict, because])),
          Effect.map(server.requests, (requests) => requests.map(({ status }) => status)),
          Effect.map(
            get(server, "/api/faults"),
            ({ deliveries }) => deliveries.map(({ returns }: any) => returns.length)
          )
        ])
      const before = yield* Effect.scoped(Effect.gen(function*() {
        const server = yield* DevServer.make({
          file: path,
          intercept: ({ body }) => body.includes("intercepted") ? Option.some({ status: 418 }) : Option.none()
        })
        yield* upload(server, [event({ insert_id: "intercepted" })])
        yield* server.inject({ answer: { status: 503, body: "later" }, times: 1 })
        yield* upload(server, [event({ insert_id: "a" })])
        yield* upload(server, [event({ insert_id: "a" })])
        return yield* look(server)
      }))
      assert.deepStrictEqual(before, [
        [["injected", "intercept answered its request"], ["injected", "Answered 503 by fault-1"], ["kept", ""]],
        [418, 503, 200],
        [0, 1]
      ])
      for (let round = 0; round < 2; round++) {
        const after = yield* Effect.scoped(Effect.flatMap(DevServer.make({ file: path }), look))
        assert.deepStrictEqual(after, before)
      }
    }))

  it.scopedLive("is left as it is if it has other content, or if the port is taken", () =>
    Effect.gen(function*() {
      const path = yield* file
      for (const content of ["{\n  \"precious\": true\n}\n", "{\"event_type\":\"Played\"}\n", "\n", "PK\u0003\u0004"]) {
        writeFileSync(path, content)
        const { cause } = yield* Effect.flip(Effect.scoped(DevServer.make({ file: path })))
        assert.match(String(cause), /kept\.ndjson holds no events of a DevServer/)
        assert.strictEqual(readFileSync(path, "utf8"), content)
      }
      rmSync(path)
      const server = yield* DevServer.make({ file: path })
      const { ino } = statSync(path)
      const { port } = new URL(server.url)
      yield* Effect.flip(Effect.scoped(DevServer.make({ file: path, port: Number(port) })))
      yield* upload(server, [event()])
      assert.strictEqual(statSync(path).ino, ino)
      assert.include(readFileSync(path, "utf8"), "Played")
    }))

  it.scopedLive("that cannot be used is an error that says why", () =>
    Effect.gen(function*() {
      const folder = join(yield* file, "..")
      for (const path of [folder, join(folder, "no", "kept.ndjson")]) {
        const { cause } = yield* Effect.flip(Effect.scoped(DevServer.make({ file: path })))
        assert.include(String(cause), `${path} cannot be used: `)
      }
    }))

  it.scoped("that cannot be written any more is warned about once, and loses no other line", () =>
    Effect.gen(function*() {
      const path = yield* file
      const store = emptyStore()
      const warnings: Array<string> = []
      const disk = vi.spyOn(Fs, "writeFileSync")
      syncBuiltinESMExports()
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          disk.mockRestore()
          syncBuiltinESMExports()
        })
      )
      yield* Effect.scoped(Effect.gen(function*() {
        const { append } = yield* KeptFile.open(path, store, ({ message }) => warnings.push(message))
        append(uploadOf(1), undefined)
        for (let times = 0; times < 2; times++) {
          disk.mockImplementationOnce((file, bytes) => {
            appendFileSync(file, (bytes as Buffer).subarray(0, 20))
            throw new Error("ENOSPC: no space left on device, write")
          })
          append(uploadOf(2), undefined)
        }
        append(uploadOf(3), undefined)
        append(uploadOf(4), undefined)
      }))
      assert.deepStrictEqual(warnings, [`${path} cannot be used: ENOSPC: no space left on device, write`])
      const again = emptyStore()
      yield* Effect.scoped(KeptFile.open(path, again))
      assert.deepStrictEqual(idsOf(again.received()), ["1", "3", "4"])
    }))

  it.scoped("that has the beginning of its first line only is taken as empty", () =>
    Effect.gen(function*() {
      const path = yield* file
      for (const content of ["", "{\"pa", "{\"path\":\"/2/httpapi\",\"te"]) {
        writeFileSync(path, content)
        yield* Effect.scoped(KeptFile.open(path, emptyStore()))
        assert.strictEqual(readFileSync(path, "utf8"), "")
      }
    }))

  it.scoped("leaves out a line that was not written to its end, and takes a body that cannot be read as such", () =>
    Effect.gen(function*() {
      const path = yield* file
      const unreadable: Upload = { ...uploadOf(1), text: "\u001f�", body: Either.left(RequestBody.malformedBody) }
      const store = emptyStore()
      yield* Effect.scoped(Effect.gen(function*() {
        const { append } = yield* KeptFile.open(path, store)
        for (const one of [uploadOf(1), { ...unreadable, remoteAddress: Option.none() }, uploadOf(2)]) {
          store.receive(one, undefined)
          append(one, undefined)
        }
      }))
      writeFileSync(path, readFileSync(path, "utf8") + "[]\n{\"path\":7}\n")
      appendFileSync(path, "{\"path\":\"/batch\",\"te")
      const again = emptyStore()
      yield* Effect.scoped(KeptFile.open(path, again))
      assert.deepStrictEqual(again.uploads(), store.uploads())
      assert.deepStrictEqual(again.uploads().map(({ status }) => status), [200, 400, 200])
      // after the start the file has only the uploads that the store has received
      assert.lengthOf(readFileSync(path, "utf8").trim().split("\n"), 3)
    }))
})
