/** Redis servers: the Debian package `redis-server`. */
import { describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import type { Scope } from "effect"
import { Cluster, Redis } from "ioredis"
import type { RedisOptions } from "ioredis"
import { daemon, folderInMemory, freePort, isInstalled } from "./processes.js"

/** What a machine needs for the tests, by name. */
export const missing = ["redis-server"].filter((program) => !isInstalled(program))

/** Runs tests if Redis is installed. Otherwise a skipped test names the missing package. */
export const withRedis = (name: string, tests: () => void): void => {
  if (missing.length === 0) return tests()
  describe.skip(name, () => {
    it(`needs the Debian package redis-server: ${missing.join(", ")} not found`, () => {})
  })
}

/** The settings that the storage asks for. */
const safe = ["--appendonly", "yes", "--maxmemory-policy", "noeviction"]

/** Starts a server on a free port. If another process takes the port meanwhile, it tries again. */
export const redis = (args: ReadonlyArray<string> = safe) =>
  Effect.retry(
    Effect.catchAllDefect(
      Effect.gen(function*() {
        const folder = yield* folderInMemory
        const port = yield* freePort
        const server = yield* daemon("redis-server", [
          ...["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--daemonize", "no"],
          ...args
        ], /Ready to accept connections/)
        return { ...server, port, url: `redis://127.0.0.1:${port}` }
      }),
      Effect.fail
    ),
    { times: 3 }
  ).pipe(Effect.orDie)

/** A client that closes with the scope. */
export const clientOf = (port: number, options: RedisOptions = {}) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const client = new Redis(port, "127.0.0.1", options)
      client.on("error", () => {})
      return client
    }),
    (client) => Effect.sync(() => client.disconnect())
  )

export interface Freezable {
  readonly client: Redis
  readonly freeze: Effect.Effect<void>
  readonly thaw: Effect.Effect<void>
}

/** A client that can lose its server, as the client of a stopped or killed process does. */
export const freezable = (port: number): Effect.Effect<Freezable, never, Scope.Scope> =>
  Effect.map(clientOf(port), (client) => {
    let isFrozen = false
    const guarded = new Set<PropertyKey>(["evalshaBuffer", "evalBuffer"])
    return {
      client: new Proxy(client, {
        get: (target, key) => {
          const value = Reflect.get(target, key) as unknown
          if (typeof value !== "function") return value
          return guarded.has(key) && isFrozen
            ? () => Promise.reject(new Error("the process is stopped"))
            : value.bind(target)
        }
      }),
      freeze: Effect.sync(() => {
        isFrozen = true
      }),
      thaw: Effect.sync(() => {
        isFrozen = false
      })
    }
  })

const slots = 16_384

/** A cluster of three servers. */
export const cluster = Effect.gen(function*() {
  const args = [...safe, "--cluster-enabled", "yes", "--cluster-node-timeout", "2000"]
  const nodes = yield* Effect.forEach([0, 1, 2], () => redis(args))
  const clients = yield* Effect.forEach(nodes, ({ port }) => clientOf(port))
  yield* Effect.promise(async () => {
    for (const [index, client] of clients.entries()) {
      const first = Math.floor((slots * index) / 3)
      const last = Math.floor((slots * (index + 1)) / 3) - 1
      await client.cluster("ADDSLOTSRANGE", first, last)
      await client.cluster("SET-CONFIG-EPOCH", index + 1)
      if (index > 0) await clients[0]!.cluster("MEET", "127.0.0.1", nodes[index]!.port)
    }
  })
  const isWhole = Effect.promise(async () => {
    const infos = await Promise.all(clients.map((client) => client.cluster("INFO")))
    return infos.every((info) => /cluster_state:ok/.test(info) && /cluster_known_nodes:3/.test(info))
  })
  yield* Effect.repeat(isWhole, { until: (isWhole) => isWhole, schedule: Schedule.spaced("20 millis") })
  const client = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const client = new Cluster(nodes.map(({ port }) => ({ host: "127.0.0.1", port })))
      client.on("error", () => {})
      return client
    }),
    (client) => Effect.sync(() => client.disconnect())
  )
  return { client, clients, nodes }
})
