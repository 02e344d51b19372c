/**
 * Storms over real sockets: a seeded server behaves at random as services, proxies and networks can, while many fibers
 * track and flush. Each event must have exactly one report, its bytes must not change, it must not be sent after its
 * outcome, and its lane must keep its order.
 *
 *     STORM_SEEDS=100 npx vitest run test/delivery/faultStorm.test.ts
 *
 * The fault of a request depends only on the seed and the number of the request. The seed in the name of a test repeats
 * it.
 */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Logger, Schedule } from "effect"
import type { DeliveryReport } from "effect-amplitude"
import { Amplitude } from "effect-amplitude"
import { AmplitudeNode } from "effect-amplitude/AmplitudeNode"
import type { FaultRequest, Scripted } from "../support/FaultServer.js"
import * as Server from "../support/FaultServer.js"

const seeds = Array.from({ length: Number(process.env.STORM_SEEDS ?? 2) }, (_, index) => index + 1)

const apiKey = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
const fibers = 24
const lanesOfFiber = 3
const eventsOfFiber = 120

/** A seeded random generator (mulberry32). */
const generator = (seed: number): () => number => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

const resetUnread = (seed: number) => (index: number): boolean => generator(seed * 7919 + index)() < 0.02

/** The fault of a request: every row of the outcome table and every fault of a socket. Slow ones are rare. */
const weather = (seed: number) => ({ events, index, path }: FaultRequest): Scripted => {
  if (path === "/elsewhere") return 200
  const random = generator(seed * 104_729 + index)
  const oneOf = <A>(...choices: ReadonlyArray<A>): A => choices[Math.floor(random() * choices.length)]!
  const some = events.flatMap((_, index) => random() < 0.1 ? [index] : [])
  const someone = events[Math.floor(random() * events.length)]?.user_id ?? ""
  const dice = random() * 100
  if (dice < 45) return { status: oneOf(200, 200, 202, 204), body: oneOf<unknown>({ code: 200 }, {}, "", "<html>") }
  if (dice < 52) return { status: 200, delay: random() * 30 }
  if (dice < 56) {
    const field = oneOf("events_with_invalid_fields", "events_with_missing_fields", "events_with_invalid_id_lengths")
    return { status: 400, body: { code: 400, error: "Bad events", [field]: { time: some.slice(0, 3) } } }
  }
  if (dice < 59) return { status: 400, body: { code: 400, silenced_events: some.slice(0, 3) } }
  if (dice < 61) return { status: oneOf(400, 403, 422), body: oneOf<unknown>("no", {}, "") }
  if (dice < 61.5) return { status: 400, body: { code: 400, error: `Invalid API key: ${apiKey}` } }
  if (dice < 62) return { status: 400, body: { code: 400, error: "Bad request", missing_field: "event_type" } }
  if (dice < 62.5) return oneOf(401, 404, 405)
  if (dice < 65) return 413
  if (dice < 65.2) {
    return { status: 429, body: { throttled_users: { [someone]: 40 }, throttled_events: some.slice(0, 1) } }
  }
  if (dice < 65.4) {
    return { status: 400, body: { silenced_events: some.slice(0, 1), throttled_events: some.slice(1, 2) } }
  }
  if (dice < 68) return { status: 429, body: { exceeded_daily_quota_users: { [someone]: 1 } } }
  if (dice < 72) return { status: 429, headers: oneOf({}, { "retry-after": "0" }, { "retry-after": "nonsense" }) }
  if (dice < 80) return oneOf(408, 500, 502, 503, 504)
  if (dice < 83) return { status: oneOf(301, 302, 303, 307, 308), headers: { location: "/elsewhere" } }
  if (dice < 83.7) return { status: 200, delay: 200 }
  if (dice < 85) return oneOf("hang", "trickle")
  return oneOf("reset", "fin", "truncated", "cut", "garbage")
}

const laneOf = (type: string): string => type.slice(0, type.indexOf("#"))

const numberOf = (type: string): number => Number(type.slice(type.indexOf("#") + 1))

/** All violations by the client. */
const storm = (
  layer: typeof Amplitude.layer,
  seed: number,
  flushConcurrency: number
) =>
  Effect.gen(function*() {
    const server = yield* Server.make(weather(seed), { resetUnread: resetUnread(seed) })
    const faults: Array<string> = []
    const reports = new Map<string, DeliveryReport.DeliveryReport>()
    const context = yield* Layer.build(
      layer({
        apiKey,
        serverUrl: server.url,
        flushConcurrency,
        flushQueueSize: 40,
        flushInterval: "50 millis",
        flushMaxRetries: 5,
        requestTimeout: "150 millis",
        shutdownTimeout: "500 millis",
        retrySchedule: Schedule.jittered(Schedule.spaced("3 millis")),
        callback: (report) =>
          Effect.sync(() => {
            const { event_type } = report.event
            if (reports.has(event_type)) faults.push(`${event_type} was reported twice`)
            if (JSON.stringify(report).includes(apiKey)) faults.push(`the report of ${event_type} holds the key`)
            reports.set(event_type, report)
          })
      }).pipe(Layer.provide(Logger.remove(Logger.defaultLogger)))
    )
    const client = Context.get(context, Amplitude)
    const tracked: Array<string> = []

    /** One fiber: its lanes are its own, so that the order within each is known. */
    const work = (fiber: number) => {
      const random = generator(seed * 31 + fiber)
      const numbers = Array.from({ length: lanesOfFiber }, () => 0)
      return Effect.iterate(0, {
        while: (done) => done < eventsOfFiber,
        body: (done) =>
          Effect.gen(function*() {
            const lane = Math.floor(random() * lanesOfFiber)
            const user_id = `user-${fiber}-${lane}`
            const event_type = `${user_id}#${++numbers[lane]!}`
            tracked.push(event_type)
            yield* client.track({ event_type, user_id, event_properties: { text: "é\n\"".repeat(random() * 40) } })
            if (random() < 0.02) yield* Effect.forkDaemon(client.flush)
            if (random() < 0.1) yield* Effect.sleep(random() * 20)
            return done + 1
          })
      })
    }
    yield* Effect.all(Array.from({ length: fibers }, (_, fiber) => work(fiber)), { concurrency: "unbounded" })
    // until nothing happens any more; events that pause for 30 real seconds are left to the shutdown
    const flush = yield* Effect.fork(client.flush)
    yield* Effect.iterate(-1, {
      while: (before) => before < reports.size && reports.size < tracked.length,
      body: () =>
        Effect.suspend(() => {
          const before = reports.size
          return Effect.as(Effect.raceFirst(Fiber.await(flush), Effect.sleep("600 millis")), before)
        })
    })
    yield* client.shutdown
    yield* Fiber.join(flush)

    const bytes = new Map<string, string>()
    const seen = new Map<string, number>()
    for (const { events, path, raw } of server.requests) {
      if (path === "/elsewhere") faults.push("a redirect was followed")
      const texts = events.map((event) => JSON.stringify(event))
      if (raw !== `{"api_key":"${apiKey}","events":[${texts.join(",")}]}`) faults.push(`a strange body: ${raw}`)
      events.forEach(({ event_type }, index) => {
        if ((bytes.get(event_type) ?? texts[index]) !== texts[index]) faults.push(`${event_type} changed`)
        bytes.set(event_type, texts[index]!)
        seen.set(event_type, (seen.get(event_type) ?? 0) + 1)
      })
    }
    for (const type of tracked) {
      const report = reports.get(type)
      if (report === undefined) faults.push(`${type} has no report`)
      // the report counts the requests up to the outcome: one more that arrived was sent after it
      else if ((seen.get(type) ?? 0) > report.attempts) faults.push(`${type} was sent after its outcome`)
    }
    if (reports.size !== tracked.length) faults.push(`${tracked.length} tracked, ${reports.size} reported`)
    const taken = new Set<string>()
    const last = new Map<string, number>()
    for (const { event_type } of server.took) {
      if (taken.has(event_type)) continue
      taken.add(event_type)
      if ((last.get(laneOf(event_type)) ?? 0) > numberOf(event_type)) faults.push(`${event_type} was overtaken`)
      last.set(laneOf(event_type), numberOf(event_type))
    }
    const left = new Map<string, number>()
    for (const type of tracked) {
      const report = reports.get(type)
      if (report === undefined) continue
      if (report._tag === "Dropped") {
        if (report.reason === "Shutdown") left.set(laneOf(type), numberOf(type))
      } else {
        if (!taken.has(type)) faults.push(`${type} is said to be delivered`)
        // an event that waits until the end has held back the later ones of its lane
        if (left.has(laneOf(type))) faults.push(`${type} went past ${left.get(laneOf(type))}`)
      }
    }
    return { faults, reports, requests: server.requests.length + server.unread.length }
  }).pipe(Effect.scoped)

const tally = (reports: ReadonlyMap<string, DeliveryReport.DeliveryReport>): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const report of reports.values()) {
    const end = report._tag === "Dropped" ? report.reason : report._tag
    counts[end] = (counts[end] ?? 0) + 1
  }
  return counts
}

describe("a storm over sockets", { timeout: 60_000 }, () => {
  for (const [name, layer] of [["fetch", Amplitude.layer], ["undici", AmplitudeNode.layer]] as const) {
    for (const flushConcurrency of [1, 8]) {
      for (const seed of seeds) {
        it.live(`keeps every promise over ${name} at flushConcurrency ${flushConcurrency}, seed ${seed}`, () =>
          Effect.gen(function*() {
            const { faults, reports, requests } = yield* storm(layer, seed, flushConcurrency)
            yield* Effect.logDebug("the storm is over", requests, tally(reports))
            assert.deepStrictEqual(faults, [])
            assert.strictEqual(reports.size, fibers * eventsOfFiber)
            assert.isAbove(tally(reports).Delivered ?? 0, fibers * eventsOfFiber / 10)
          }))
      }
    }
  }
})
