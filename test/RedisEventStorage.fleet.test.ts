/**
 * S8 on Redis: processes that share a prefix, and are killed and stopped at any moment. The full test takes minutes:
 * `OUTBOX_EVENTS=100000 OUTBOX_ROUNDS=200 npx vitest run test/RedisEventStorage.fleet.test.ts`.
 */
import { beforeAll, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { bundle, fleet, fleetLimit, killed, killedLimit, rounds } from "./support/fleet.js"
import { redis, withRedis } from "./support/redis.js"

withRedis("a fleet that shares a Redis", () => {
  beforeAll(() => Effect.runPromise(Effect.asVoid(bundle)), 60_000)

  describe("a fleet that shares a Redis", () => {
    it.scopedLive(
      "loses nothing, keeps the order of each lane, and doubles only what was in flight",
      () => Effect.flatMap(redis(), ({ port }) => fleet({ dialect: "redis", port })),
      fleetLimit
    )

    it.scopedLive(
      `sends everything that it had accepted from a process that is killed, in ${rounds} rounds`,
      () => Effect.flatMap(redis(), ({ port }) => killed({ dialect: "redis", port })),
      killedLimit
    )
  })
})
