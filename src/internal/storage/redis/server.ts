/**
 * Runs scripts on a Redis server or cluster, and converts failures into `StorageError`.
 */
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { Cluster, Redis } from "ioredis"
import { createHash } from "node:crypto"
import { StorageError } from "../../../AmplitudeError.js"
import * as Within from "../within.js"

export type Argument = string | number | Uint8Array

/** The answer of a script: whole numbers, bytes, and arrays of them. */
export type Reply = number | Uint8Array | null | ReadonlyArray<Reply>

/** A script, with the hash by which the server knows it. */
export interface Script {
  readonly text: string
  readonly sha: string
}

export const scriptOf = (text: string): Script => ({ text, sha: createHash("sha1").update(text).digest("hex") })

/**
 * Methods of ioredis that its types lack. They take the arguments as a list, which can be longer than the arguments of a call.
 */
interface ScriptClient {
  readonly evalshaBuffer: (sha: string, keys: 1, key: string, args: ReadonlyArray<Argument>) => Promise<Reply>
  readonly evalBuffer: (text: string, keys: 1, key: string, args: ReadonlyArray<Argument>) => Promise<Reply>
  readonly hmgetBuffer: (key: string, fields: ReadonlyArray<string>) => Promise<ReadonlyArray<Uint8Array | null>>
}

/** What the operations share. */
export interface Server {
  readonly client: Redis | Cluster
  /** The beginning of the keys of each shard, with the hash tag that keeps them together. */
  readonly shards: ReadonlyArray<string>
  readonly within: Within.Within
}

const onTimeout =
  "Redis did not answer in time. Look at its load with SLOWLOG GET, and at the network between it and this process"

export const make = (
  client: Redis | Cluster,
  prefix: string,
  shards: number
): Effect.Effect<Server, never, Scope.Scope> =>
  Effect.map(Within.make(onTimeout), (within) => ({
    client,
    shards: Array.from({ length: shards }, (_, shard) => shards === 1 ? `{${prefix}}` : `{${prefix}:${shard}}`),
    within
  }))

/** Sends a script to a shard by its hash. A server that does not know the hash, as after a restart, gets the text. */
const send = (
  { client, shards }: Server,
  shard: number,
  { sha, text }: Script,
  args: ReadonlyArray<Argument>
): Promise<Reply> => {
  const key = shards[shard]!
  const scripts = client as unknown as ScriptClient
  return scripts.evalshaBuffer(sha, 1, key, args).catch((error) =>
    messageOf(error).startsWith("NOSCRIPT") ? scripts.evalBuffer(text, 1, key, args) : Promise.reject(error)
  )
}

/** Runs a script on a shard. */
export const run = (
  server: Server,
  operation: string,
  shard: number,
  script: Script,
  args: ReadonlyArray<Argument>
): Effect.Effect<Reply, StorageError> => ask(operation, () => send(server, shard, script, args))

/** Reads the JSON of events by their positions. It has no JSON for an event that does not exist. */
export const read = (
  server: Server,
  operation: string,
  shard: number,
  script: Script,
  positions: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<Uint8Array | null>, StorageError> =>
  Effect.flatMap(
    ask(
      operation,
      () => (server.client as unknown as ScriptClient).hmgetBuffer(`${server.shards[shard]}:e`, positions)
    ),
    (jsons) =>
      // the client may read from a replica that lacks the events, and a script runs on the primary
      jsons.includes(null)
        ? run(server, operation, shard, script, positions) as Effect.Effect<typeof jsons, StorageError>
        : Effect.succeed(jsons)
  )

/** Sends a script at once, so that the server works meanwhile. The effect waits for the answer. */
export const unsafeStart = (
  server: Server,
  operation: string,
  shard: number,
  script: Script,
  args: ReadonlyArray<Argument>
): Effect.Effect<Reply, StorageError> => {
  // a promise without a handler would be an unhandled rejection
  const answer = send(server, shard, script, args).then(
    Either.right,
    (error: unknown) => Either.left(storageError(operation, error))
  )
  return Effect.flatten(Effect.promise(() => answer))
}

/** Runs a command of the client without tracing: this traffic has no spans in the user's traces. */
export const ask = <A>(operation: string, question: () => Promise<A>): Effect.Effect<A, StorageError> =>
  Effect.tryPromise({ try: question, catch: (error) => storageError(operation, error) }).pipe(
    Effect.withTracerEnabled(false),
    Effect.mapInputContext((_: Context.Context<never>) => Context.empty())
  )

/** The nodes that accept writes. */
const primariesOf = (client: Redis | Cluster): ReadonlyArray<Redis> =>
  "nodes" in client ? client.nodes("master") : [client]

/**
 * The settings of the servers that can lose accepted events, in words. A server that does not allow `INFO`, as with
 * some providers, is skipped.
 */
export const shortcomings = ({ client, within }: Server): Effect.Effect<ReadonlyArray<string>> =>
  Effect.map(
    Effect.forEach(
      primariesOf(client),
      (node) => Effect.orElseSucceed(within("migrate", "5 seconds")(ask("migrate", () => node.info())), () => ""),
      { concurrency: "unbounded" }
    ),
    (infos) => Arr.dedupe(infos.flatMap(shortcomingsOf))
  )

const shortcomingsOf = (info: string): ReadonlyArray<string> => {
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1]
  return [
    ...(/^aof_enabled:0/m.test(info)
      ? ["Redis has no append-only file: what it accepted is lost when it is restarted. Set `appendonly yes`"]
      : []),
    ...(policy !== undefined && policy !== "noeviction"
      ? [
        `Redis evicts keys when its memory is full (maxmemory-policy ${policy}), and with them accepted events. ` +
        "Set `maxmemory-policy noeviction`"
      ]
      : [])
  ]
}

export const storageError = (operation: string, error: unknown): StorageError => {
  const message = messageOf(error)
  return new StorageError({
    operation,
    message: `${operation}: ${message}${
      Option.getOrElse(Option.map(adviceFor(message), (advice) => `. ${advice}`), () => "")
    }`,
    // the error of ioredis holds the arguments of the command, and with them the events
    cause: new Error(message)
  })
}

const messageOf = (error: unknown): string => {
  const { errors, lastNodeError, message } = error as {
    readonly message?: string
    readonly errors?: ReadonlyArray<unknown>
    readonly lastNodeError?: unknown
  }
  const inner = lastNodeError ?? errors?.[0]
  return inner !== undefined ? messageOf(inner) : message !== undefined && message !== "" ? message : "Redis failed"
}

const advice: ReadonlyArray<readonly [pattern: RegExp, advice: string]> = [
  [
    /^READONLY/,
    "The server is a replica: give the address of the primary, or use Sentinel or Cluster so that the client follows it"
  ],
  [
    /^OOM|OOM allow-oom/,
    "Redis has reached its maxmemory: events are refused until some are delivered. Raise maxmemory, or lower bufferCapacity"
  ],
  [
    /^NOAUTH|^WRONGPASS|^ERR AUTH/,
    "Give the user and the password: in the url, redis://user:password@host, or to the client"
  ],
  [
    /^NOPERM|can't run this command|can't access at least one of the keys/,
    "The user needs the commands +@read +@write +@scripting +time on the keys of the prefix, and +info for the checks at start"
  ],
  [/^LOADING/, "Redis is loading its data after a restart: it takes events again as soon as that is done"],
  [/^MISCONF/, "Redis cannot write to its disk, and takes no writes until it can: look at its log and at the disk"],
  [/WRONGTYPE/, "Keys of this prefix belong to something else: choose another `prefix`"],
  [/^CLUSTERDOWN/, "Some slots of the cluster have no primary: events are taken again as soon as it has one"],
  [
    /^CROSSSLOT|^MOVED/,
    "The server is a node of a cluster: give a `client` of `new Cluster([...])` of ioredis in place of a `url`"
  ],
  [/Script attempted to access|shebang|unexpected symbol near '#'/, "The storage needs Redis 7, or Valkey"],
  [
    /ECONNREFUSED|ENOTFOUND|ETIMEDOUT|ECONNRESET|EPIPE|Connection is closed|isn't writeable|max retries per request/,
    "Redis is away: the client connects again by itself"
  ]
]

const adviceFor = (message: string): Option.Option<string> =>
  Option.map(Option.fromNullable(advice.find(([pattern]) => pattern.test(message))), ([, advice]) => advice)
