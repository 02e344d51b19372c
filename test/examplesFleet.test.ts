/** The examples of fleets: over Redis in separate processes, and over a fake Kafka that is an array. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Logger } from "effect"
import { Amplitude, Identify } from "effect-amplitude"
import { DevServer } from "effect-amplitude/DevServer"
import { AmplitudeToKafka, Consumer, fromKafka, Producer } from "../examples/kafka.js"
import { start } from "./support/example.js"
import { redis, withRedis } from "./support/redis.js"

const whenArrived = (count: number) =>
  Effect.repeat(Effect.zipRight(Effect.sleep(20), DevServer.events), { until: (events) => events.length >= count })
    .pipe(
      Effect.timeout("30 seconds")
    )

withRedis("the example of a fleet on Redis", () => {
  describe("the example of a fleet on Redis", { timeout: 60_000 }, () => {
    it.scopedLive("what a web process stored is sent by a worker, also when the web process is killed", () =>
      Effect.gen(function*() {
        const { url } = yield* redis()
        const env = { REDIS_URL: url, AMPLITUDE_FLUSH_INTERVAL: "50 millis" }
        const web = yield* start("redis-fleet", { args: ["web"], env })
        const address = (yield* web.printed(/http:\/\/[\d.]+:\d+/)).replace("0.0.0.0", "127.0.0.1")
        const users = Array.from({ length: 5 }, (_, index) => `user-1234${index}`)
        for (const user of users) {
          const response = yield* Effect.promise(() => fetch(`${address}/clicks/${user}`, { method: "POST" }))
          assert.strictEqual(response.status, 202)
        }
        yield* web.signal("SIGKILL")
        assert.deepStrictEqual(yield* DevServer.events, [])
        const worker = yield* start("redis-fleet", { args: ["worker"], env })
        assert.sameMembers((yield* whenArrived(users.length)).map(({ user_id }) => user_id), users)
        yield* worker.signal("SIGTERM")
        assert.strictEqual((yield* worker.ended).stderr, "")
      }).pipe(Effect.provide(DevServer.layer())))
  })
})

describe("the example of Kafka", () => {
  it.scopedLive(
    "what is produced arrives with its insert_id and its time, and is committed after that",
    () =>
      Effect.gen(function*() {
        const records: Array<{ readonly key: string; readonly value: string }> = []
        const producer = Producer.of({ send: (_, record) => Effect.sync(() => void records.push(record)) })
        const produced = Context.get(
          yield* Layer.build(Layer.provide(AmplitudeToKafka, Layer.succeed(Producer, producer))),
          Amplitude
        )
        yield* produced.track("Clicked", { place: "top" }, { user_id: "user-12345" })
        yield* produced.identify(Identify.set(Identify.empty, "plan", "pro"), { device_id: "device-1" })
        yield* produced.flush
        assert.deepStrictEqual(records.map(({ key }) => key), ["user-12345", "device-1"])
        assert.deepStrictEqual(yield* DevServer.events, [])

        const server = yield* DevServer
        let committed = 0
        const polled = [records.concat({ key: "", value: "not JSON" })]
        const consumer = Consumer.of({
          poll: () => Effect.suspend(() => polled.length > 0 ? Effect.succeed(polled.shift()!) : Effect.never),
          commit: Effect.map(Effect.orDie(server.events), ({ length }) => {
            committed = length
          })
        })
        yield* Effect.forkScoped(
          fromKafka.pipe(
            Effect.provideService(Consumer, consumer),
            Effect.provide(Amplitude.layer({ apiKey: "key", serverUrl: server.urlV2 }))
          )
        )
        yield* Effect.repeat(Effect.sleep(10), { until: () => committed === 2 })
        const ids = (events: ReadonlyArray<any>) => events.map(({ insert_id, time }) => ({ insert_id, time }))
        assert.deepStrictEqual(
          ids(yield* server.events),
          ids(records.map(({ value }) => JSON.parse(value)))
        )
      }).pipe(Effect.provide([DevServer.layer(), Logger.remove(Logger.defaultLogger)])),
    20_000
  )
})
