/**
 * A change of the URL while requests are under way: later answers of the old URL do not change the state of the new
 * one.
 */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Option, Schedule, TestClock } from "effect"
import type { DeliveryReport } from "effect-amplitude"
import { Amplitude, AmplitudeConfig, AmplitudeLogger, EventStorage, Transport } from "effect-amplitude"
import type { Scripted, SeenRequest } from "../support/scripted.js"
import { scenario, trackMany, typesOf } from "../support/scripted.js"

const old = "https://old.example/2/httpapi"
const other = "https://new.example/2/httpapi"

const settle = TestClock.adjust(0)

type Late = Extract<Scripted, { readonly status: number }>

/** A client with requests to the old URL, which answers when the test says so. The new URL accepts everything. */
const changing = (flushConcurrency: number) =>
  Effect.gen(function*() {
    const gates: Array<Deferred.Deferred<Late>> = []
    const { client, reports, requests } = yield* scenario(
      ({ url }) =>
        url !== old ? 200 : Effect.gen(function*() {
          const gate = yield* Deferred.make<Late>()
          gates.push(gate)
          return yield* Deferred.await(gate)
        }),
      {
        flushConcurrency,
        flushQueueSize: 2,
        requestTimeout: "1 hour",
        shutdownTimeout: 0,
        serverUrl: old,
        retrySchedule: Schedule.spaced("10 minutes")
      }
    )
    return {
      client,
      reports,
      to: (url: string) => requests.filter((request) => request.url === url).map(sent),
      answer: (index: number, answer: Late) => Effect.zipRight(Deferred.succeed(gates[index]!, answer), settle)
    }
  })

const sent = ({ events }: SeenRequest): string => typesOf(events).join(" ")

const outcomes = (reports: ReadonlyArray<DeliveryReport.DeliveryReport>) =>
  reports.map((report) => [
    report.event.event_type,
    report._tag === "Dropped" ? report.reason : report._tag,
    report.attempts
  ])

describe("what the old URL answers after a change of URL", () => {
  for (
    const [name, late] of [
      ["503 with Retry-After", { status: 503, headers: { "retry-after": "300" } }],
      ["429 with Retry-After", { status: 429, headers: { "retry-after": "300" } }],
      ["413", { status: 413 }]
    ] as ReadonlyArray<readonly [string, Late]>
  ) {
    it.scoped(`${name} holds up nothing: its events are sent to the new one at once`, () =>
      Effect.gen(function*() {
        const { answer, client, reports, to } = yield* changing(3)
        yield* trackMany(client, 6)
        yield* settle
        assert.deepStrictEqual(to(old), ["1 2", "3 4", "5 6"])
        yield* client.updateConfig({ serverUrl: other })
        const flush = yield* Effect.fork(client.flush)
        yield* answer(1, late)
        assert.deepStrictEqual(to(other), ["3 4"])
        yield* answer(0, late)
        assert.deepStrictEqual(to(other), ["3 4", "1 2"])
        // the new URL is available, and refuses no request as too large
        yield* Effect.forEach(
          ["7", "8"],
          (event_type) => client.track({ event_type, user_id: `user-of-${event_type}` })
        )
        yield* settle
        assert.deepStrictEqual(to(other), ["3 4", "1 2", "7 8"])
        yield* answer(2, { status: 200 })
        yield* Fiber.join(flush)
        assert.deepStrictEqual(outcomes(reports), [
          ["3", "Delivered", 2],
          ["4", "Delivered", 2],
          ["1", "Delivered", 2],
          ["2", "Delivered", 2],
          ["7", "Delivered", 1],
          ["8", "Delivered", 1],
          ["5", "Delivered", 1],
          ["6", "Delivered", 1]
        ])
      }))
  }

  it.scoped("a pause for the old one ends with the change, and its limit is not that of the new one", () =>
    Effect.gen(function*() {
      const { answer, client, reports, to } = yield* changing(2)
      yield* trackMany(client, 4)
      yield* settle
      yield* answer(0, { status: 413 })
      yield* answer(1, { status: 503, headers: { "retry-after": "300" } })
      assert.deepStrictEqual(to(old), ["1 2", "3 4", "1"])
      yield* answer(2, { status: 503, headers: { "retry-after": "300" } })
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(to(old).length, 3)
      yield* client.updateConfig({ serverUrl: other })
      yield* settle
      assert.deepStrictEqual([...to(other)].sort(), ["1 2", "3 4"])
      yield* client.flush
      assert.deepStrictEqual(outcomes(reports).map(([, outcome]) => outcome), Array(4).fill("Delivered"))
    }))

  it.scoped("an answer that cannot be handled delays no request to the new one", () =>
    Effect.gen(function*() {
      let isFirst = true
      // a storage of the user that gives no events, once
      const acknowledge = (lease: EventStorage.Lease): EventStorage.Lease["acknowledge"] => (...given) => {
        if (!isFirst) return lease.acknowledge(...given)
        isFirst = false
        return Effect.succeed(undefined as never)
      }
      const decorated = (storage: EventStorage.Service): EventStorage.Service => ({
        ...storage,
        lease: (options) =>
          Effect.map(storage.lease(options), Option.map((lease) => ({ ...lease, acknowledge: acknowledge(lease) })))
      })
      const mayAnswer = yield* Deferred.make<void>()
      const urls: Array<string> = []
      const context = yield* Layer.build(Amplitude.layerServices.pipe(
        Layer.provide([
          Layer.provide(Layer.effect(EventStorage, Effect.map(EventStorage, decorated)), EventStorage.layerMemory),
          Layer.succeed(Transport, {
            send: ({ url }) => {
              urls.push(url)
              const answer = Effect.succeed({ status: 200, headers: {}, body: "" })
              return url === old ? Effect.zipRight(Deferred.await(mayAnswer), answer) : answer
            }
          }),
          AmplitudeLogger.layerNone
        ]),
        Layer.provide(AmplitudeConfig.layer({
          apiKey: "a-key",
          flushQueueSize: 1,
          requestTimeout: "1 hour",
          serverUrl: old,
          retrySchedule: Schedule.spaced("10 minutes")
        }))
      ))
      const client = yield* Effect.provide(Amplitude, context)
      const waiting = yield* Effect.fork(client.trackAndWait({ event_type: "1", user_id: "user-12345" }))
      yield* settle
      yield* client.updateConfig({ serverUrl: other })
      yield* Deferred.succeed(mayAnswer, undefined)
      yield* settle
      assert.deepStrictEqual(urls, [old, other])
      assert.strictEqual((yield* Fiber.join(waiting)).attempts, 2)
    }))
})
