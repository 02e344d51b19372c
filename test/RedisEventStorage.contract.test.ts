/**
 * The contract of storages on Redis. `STORAGE_CONTRACT_RUNS=5000` compares 5000 random sequences with the model, and
 * `REDIS_MODEL_SEEDS=5000` compares 5000 with the memory storage.
 */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Option, Scope } from "effect"
import { EventStorage } from "effect-amplitude/EventStorage"
import { RedisEventStorage } from "effect-amplitude/RedisEventStorage"
import type { NonEmptyReadonlyArray } from "effect/Array"
import type { Redis } from "ioredis"
import { eventOf, jsonOf, storageContract } from "./storage/contract.js"
import { clientOf, freezable, redis, withRedis } from "./support/redis.js"
import { leaseDuration, shared } from "./support/sqlContract.js"

type Event = EventStorage.EncodedEvent

let prefixes = 0
const freshPrefix = Effect.sync(() => `contract-${++prefixes}`)

withRedis("RedisEventStorage: the contract of storages", () => {
  const server = shared(redis())

  storageContract("RedisEventStorage", {
    clock: "live",
    wait: (millis) => Effect.sleep(millis),
    durability: "shared",
    capacity: "exact",
    leaseDuration,
    runs: 10,
    make: Effect.map(
      Effect.zip(server, freshPrefix),
      ([{ port }, prefix]) =>
        Effect.gen(function*() {
          const { client, freeze, thaw } = yield* freezable(port)
          const context = yield* Layer.build(
            RedisEventStorage.layer({ client, prefix, pollInterval: 50, leaseDuration })
          )
          return { storage: Context.get(context, EventStorage), freeze, thaw }
        })
    )
  })

  const seeds = Number(process.env["REDIS_MODEL_SEEDS"] ?? 100)

  describe("the scripts", () => {
    it.scopedLive(`answer as the storage in memory does, for ${seeds} seeds`, () =>
      Effect.gen(function*() {
        const { port } = yield* server
        const client = yield* clientOf(port)
        for (let seed = 1; seed <= seeds; seed++) {
          yield* Effect.scoped(
            compare(seed, client, yield* freshPrefix).pipe(
              Effect.tapErrorCause(() => Effect.sync(() => console.error(`seed ${seed}`)))
            )
          )
        }
      }), 60_000 + seeds * 200)
  })
})

/** Mulberry32: integers from 0 to below a limit. */
const randomOf = (seed: number) => (limit: number): number => {
  seed = (seed + 0x6d2b79f5) | 0
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
}

const plain = (event: Event) => ({
  clientId: event.clientId,
  sequence: event.sequence,
  lane: event.lane,
  json: jsonOf(event),
  attempts: event.attempts,
  retries: event.retries
})

/**
 * Sorts events by their sequences, which are unique here: the two storages may drop and lease lanes in different
 * orders.
 */
const inOrder = (events: ReadonlyArray<Event>) => events.map(plain).sort((one, other) => one.sequence - other.sequence)

/** A lease on both storages. */
interface Pair {
  readonly scopes: readonly [Scope.CloseableScope, Scope.CloseableScope]
  readonly leases: readonly [EventStorage.Lease, EventStorage.Lease]
}

/** Runs the same random operations on Redis and in memory, expired leases included, and compares the results. */
const compare = (seed: number, client: Redis, prefix: string) =>
  Effect.gen(function*() {
    const random = randomOf(seed)
    const oracle = Context.get(yield* Layer.build(Layer.fresh(EventStorage.layerMemory)), EventStorage)
    const subject = Context.get(
      yield* Layer.build(RedisEventStorage.layer({ client, prefix, leaseDuration: "1 hour" })),
      EventStorage
    )
    const both = <A, E, R>(f: (storage: EventStorage.Service) => Effect.Effect<A, E, R>) =>
      Effect.all([f(subject), f(oracle)])
    const pairs: Array<Pair> = []
    let sequence = 0
    const steps = 5 + random(25)
    for (let step = 0; step < steps; step++) {
      const action = random(100)
      const pair = pairs[random(pairs.length || 1)]
      if (action < 35) {
        const clientId = `client-${random(3)}`
        const events = Array.from({ length: 1 + random(4) }, () =>
          eventOf(sequence++, { clientId, lane: "abcd"[random(4)]!, json: `"${"x".repeat(random(30))}"` }))
        const options = { capacity: 1 + random(15), whenFull: random(2) === 0 ? "refuse" : "evictOldest" } as const
        const [ours, expected] = yield* both(({ append }) =>
          append(events as unknown as NonEmptyReadonlyArray<Event>, options)
        )
        assert.strictEqual(ours._tag, expected._tag)
        if (ours._tag === "Accepted" && expected._tag === "Accepted") {
          assert.deepStrictEqual(inOrder(ours.evicted), inOrder(expected.evicted))
        }
      } else if (action < 60) {
        const options = { maxEvents: 1 + random(8), maxBytes: 1_000_000, includePaused: random(4) === 0 }
        const scopes = yield* Effect.all([
          Effect.acquireRelease(Scope.make(), Scope.close),
          Effect.acquireRelease(Scope.make(), Scope.close)
        ])
        const ours = yield* Scope.extend(subject.lease(options), scopes[0])
        const expected = yield* Scope.extend(oracle.lease(options), scopes[1])
        const eventsOf = Option.match({ onNone: () => [], onSome: ({ events }: EventStorage.Lease) => [...events] })
        if (Option.isSome(ours) && Option.isSome(expected)) {
          // after a release the order of the lanes is not promised: only lanes that both have leased are compared
          assert.deepStrictEqual(
            lanesWithFirst(eventsOf(ours), options.maxEvents),
            lanesWithFirst(
              eventsOf(expected),
              options.maxEvents
            )
          )
          const same = JSON.stringify(inOrder(ours.value.events)) === JSON.stringify(inOrder(expected.value.events))
          if (same) {
            pairs.push({ scopes, leases: [ours.value, expected.value] })
          } else {
            yield* Scope.close(scopes[0], Exit.void)
            yield* Scope.close(scopes[1], Exit.void)
          }
        } else assert.strictEqual(Option.isSome(ours), Option.isSome(expected))
      } else if (pair !== undefined && action < 75) {
        const chosen = pair.leases[0].events.filter(() =>
          random(2) === 0
        )
        const [ours, expected] = yield* Effect.all([
          pair.leases[0].acknowledge(chosen),
          pair.leases[1].acknowledge(chosen)
        ])
        assert.deepStrictEqual(inOrder(ours), inOrder(expected))
      } else if (pair !== undefined && action < 88) {
        const chosen = pair.leases[0].events.filter(() => random(2) === 0)
        const notBefore = random(3) === 0 ? Date.now() + 3_600_000 : 0
        const options = { notBefore, attempts: random(3), retries: random(2) }
        yield* Effect.all([pair.leases[0].release(chosen, options), pair.leases[1].release(chosen, options)])
      } else if (pair !== undefined && action < 93) {
        yield* Effect.forEach(pair.scopes, (scope) => Scope.close(scope, Exit.void))
      } else if (action < 96) {
        // the leases are over, and the next one ends them
        for (const token of yield* Effect.promise(() => client.zrange(`{${prefix}}:until`, 0, -1))) {
          yield* Effect.promise(() => client.zadd(`{${prefix}}:until`, 0, token))
        }
        yield* Effect.scoped(subject.lease({ maxEvents: 1, maxBytes: 0 }))
        yield* Effect.forEach(pairs, ({ scopes }) => Scope.close(scopes[1], Exit.void))
        yield* Effect.scoped(oracle.lease({ maxEvents: 1, maxBytes: 0 }))
      } else {
        const options = { keep: random(12), from: random(2) === 0 ? "oldest" : "newest" } as const
        const [ours, expected] = yield* both(({ evict }) => evict(options))
        assert.deepStrictEqual(inOrder(ours), inOrder(expected))
      }
      const upTo = random(60)
      const [ours, expected] = yield* both(({ count }) =>
        Effect.all([count(), count({ clientId: "client-1", upTo })], { concurrency: 1 })
      )
      assert.deepStrictEqual(ours, expected)
    }
  })

const lanesWithFirst = (events: ReadonlyArray<Event>, maxEvents: number) =>
  events.length < maxEvents ? inOrder(events) : events.length
