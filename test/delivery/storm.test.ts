/**
 * Storms of faults: a seeded service answers at random with every row of the outcome table. Each event must have
 * exactly one outcome, its bytes must not change, its lane must keep its order, and it must not be sent after its
 * outcome.
 */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Schedule, TestClock } from "effect"
import type { Transport } from "effect-amplitude"
import { AmplitudeConfig, TransportError } from "effect-amplitude"
import * as Client from "../../src/internal/client.js"
import * as Memory from "../../src/internal/storage/memory.js"
import type { SeenEvent } from "../support/scripted.js"

/** The number of seeds. `STORM_SEEDS=300` runs more. The seed in the name of a test repeats it. */
const seeds = Array.from({ length: Number(process.env.STORM_SEEDS ?? 10) }, (_, index) => index + 1)

const lanes = 12
const events = 400

type Answer = number | { readonly status: number; readonly body?: unknown; readonly headers?: Record<string, string> }

interface Storm {
  readonly random: () => number
  readonly answer: (events: ReadonlyArray<SeenEvent>) => Answer | Effect.Effect<Answer, TransportError>
}

const toAnswer = (
  answer: Answer | Effect.Effect<Answer, TransportError>
): Effect.Effect<Transport.Answer, TransportError> =>
  Effect.map(Effect.isEffect(answer) ? answer : Effect.succeed(answer), (given) => {
    const { body, headers, status } = typeof given === "number" ? { status: given, body: {}, headers: {} } : given
    return { status, headers: headers ?? {}, body: JSON.stringify(body ?? {}) }
  })

/** A seeded random generator (linear congruential). */
const generator = (seed: number): () => number => {
  let state = seed * 2654435761 % 4294967296
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296
    return state / 4294967296
  }
}

const stormOf = (seed: number): Storm => {
  const random = generator(seed)
  const pick = (from: ReadonlyArray<SeenEvent>) => from.flatMap((_, index) => random() < 0.1 ? [index] : [])
  return {
    random,
    answer: (sent) => {
      const named = pick(sent)
      const someone = sent[Math.floor(random() * sent.length)]?.user_id ?? ""
      switch (Math.floor(random() * 16)) {
        case 0:
          return { status: 400, body: { code: 400, events_with_invalid_fields: { time: named } } }
        case 1:
          return { status: 400, body: { code: 400, error: "no reason" } }
        case 2:
          return { status: 400, body: { silenced_events: named.slice(0, 1), throttled_events: named.slice(1) } }
        case 3:
          return 413
        case 4:
          return { status: 429, body: { throttled_users: { [someone]: 40 } } }
        case 5:
          return { status: 429, body: { exceeded_daily_quota_users: { [someone]: 1 }, throttled_events: named } }
        case 6:
          return { status: 429, headers: { "retry-after": "2" } }
        case 7:
          return 500 + Math.floor(random() * 5)
        case 8:
          return Effect.fail(new TransportError({ message: "reset" }))
        case 9:
          return Effect.never
        case 10:
          return random() < 0.1 ? 404 : 302
        case 11:
          return random() < 0.1 ? { status: 400, body: { missing_field: "api_key" } } : 408
        default:
          return Effect.delay(Effect.succeed(200), Duration.millis(Math.floor(random() * 300)))
      }
    }
  }
}

/** A client of such a service, and all violations by the client. */
const weather = (seed: number, flushConcurrency: number) =>
  Effect.gen(function*() {
    const storm = stormOf(seed)
    const faults: Array<string> = []
    const bytes = new Map<string, string>()
    const settled = new Set<string>()
    const busy = new Set<string>()
    let tracked = 0

    const check = (sent: ReadonlyArray<SeenEvent>, users: ReadonlySet<string>): void => {
      for (const event of sent) {
        const json = JSON.stringify(event)
        if ((bytes.get(event.event_type) ?? json) !== json) faults.push(`${event.event_type} changed`)
        bytes.set(event.event_type, json)
        if (settled.has(event.event_type)) faults.push(`${event.event_type} sent after its outcome`)
      }
      for (const user of users) {
        if (busy.has(user)) faults.push(`two requests with ${user}`)
        const own = sent.filter((event) => event.user_id === user).map((event) => Number(event.event_type))
        if (own.some((number, index) => index > 0 && number <= own[index - 1]!)) faults.push(`${user} out of order`)
        for (let earlier = own[0]! - lanes; earlier > 0; earlier -= lanes) {
          if (!settled.has(String(earlier))) faults.push(`${user} overtook itself`)
        }
      }
    }

    const config = yield* AmplitudeConfig.make({
      apiKey: "a-secret-key",
      flushConcurrency,
      flushQueueSize: 25,
      flushMaxRetries: 4,
      shutdownTimeout: "1 minute"
    })
    const storage = yield* Memory.make
    const client = yield* Client.make({
      config,
      storage,
      transport: {
        send: ({ body }) =>
          Effect.suspend(() => {
            const sent =
              (JSON.parse(new TextDecoder().decode(body)) as { readonly events: ReadonlyArray<SeenEvent> }).events
            const users = new Set(sent.map(({ user_id }) => user_id ?? ""))
            check(sent, users)
            users.forEach((user) => busy.add(user))
            return Effect.ensuring(
              toAnswer(storm.answer(sent)),
              Effect.sync(() => users.forEach((user) => busy.delete(user)))
            )
          })
      },
      logger: { log: () => Effect.void }
    }, {
      invalidIsDefect: false,
      observer: ({ event }) => {
        if (settled.has(event.event_type)) faults.push(`${event.event_type} reported twice`)
        settled.add(event.event_type)
      }
    })
    // of every second storm the events are large: then the storage fills pages again that were read and left
    const ballast = seed % 2 === 0 ? undefined : { ballast: [1, 2, 3].map((digit) => `${digit}`.repeat(900)) }
    const track = Effect.suspend(() => {
      tracked++
      return client.track({
        event_type: String(tracked),
        user_id: `user-${tracked % lanes}`,
        event_properties: ballast
      })
    })
    /** Accepted = settled + waiting. */
    const balance = Effect.map(storage.count(), (waiting) => {
      if (settled.size + waiting !== tracked) {
        faults.push(`${tracked} tracked, ${settled.size} settled, ${waiting} wait`)
      }
    })
    return { storm, client, faults, settled, track, balance }
  })

/** A change of a setting at random. None of them may harm a waiting event. */
const change = ({ random }: Storm): AmplitudeConfig.Patch => {
  const below = (limit: number) => Math.floor(random() * limit)
  switch (below(9)) {
    case 0:
      return { flushConcurrency: 1 + below(8) }
    case 1:
      return { flushQueueSize: 1 + below(40) }
    case 2:
      return { flushInterval: 1 + below(20_000) }
    case 3:
      return { flushMaxRetries: below(8) }
    case 4:
      return { serverUrl: `https://${below(3)}.example/` }
    case 5:
      return { useBatch: below(2) === 0 }
    case 6:
      return { retrySchedule: [undefined, Schedule.spaced("1 second"), Schedule.stop, Schedule.recurs(2)][below(4)] }
    case 7:
      return { requestTimeout: 100 + below(10_000) }
    default:
      return { apiKey: `key-${below(5)}`, minIdLength: [undefined, 3][below(2)] }
  }
}

describe("a storm", () => {
  for (const seed of seeds) {
    it.scoped(`keeps every promise while the settings change, seed ${seed}`, () =>
      Effect.gen(function*() {
        const { balance, client, faults, settled, storm, track } = yield* weather(seed, 1 + seed % 8)
        for (let index = 0; index < events; index++) {
          yield* track
          if (storm.random() < 0.1) yield* client.updateConfig(change(storm))
          if (storm.random() < 0.05) {
            yield* TestClock.adjust(Duration.millis(Math.floor(storm.random() * 10_000)))
            yield* balance
          }
        }
        const flush = yield* Effect.fork(client.flush)
        yield* TestClock.adjust("2 hours")
        yield* Fiber.join(flush)
        yield* balance
        assert.deepStrictEqual(faults, [])
        assert.strictEqual(settled.size, events)
      }))
  }

  for (const flushConcurrency of [1, 8]) {
    for (const seed of seeds) {
      it.scoped(`keeps every promise at flushConcurrency ${flushConcurrency}, seed ${seed}`, () =>
        Effect.gen(function*() {
          const { balance, client, faults, settled, storm, track } = yield* weather(seed, flushConcurrency)
          for (let index = 0; index < events; index++) {
            yield* track
            if (storm.random() < 0.03) {
              yield* TestClock.adjust(Duration.millis(Math.floor(storm.random() * 20_000)))
              yield* balance
            }
            if (storm.random() < 0.02) yield* Effect.fork(client.flush)
          }
          const closing = yield* Effect.fork(client.shutdown)
          yield* TestClock.adjust("61 seconds")
          yield* Fiber.join(closing)
          yield* balance
          assert.deepStrictEqual(faults, [])
          assert.strictEqual(settled.size, events)
        }))
    }
  }
})
