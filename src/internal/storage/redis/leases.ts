/** Leases events. The storage renews a lease until its scope closes. A lease can hold events of several shards. */
import { isNonEmptyReadonlyArray } from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import type { StorageError } from "../../../AmplitudeError.js"
import type { EventStorage } from "../../../EventStorage.js"
import { monotonicOf, withClock } from "../../time.js"
import * as Held from "../held.js"
import type { Leased } from "./events.js"
import { leasedOf, takenOf } from "./events.js"
import type { Retractions } from "./retractions.js"
import * as Scripts from "./scripts/index.js"
import type { Reply, Server } from "./server.js"
import { read, run } from "./server.js"

type EncodedEvent = EventStorage.EncodedEvent

export interface Options {
  /** In milliseconds. */
  readonly duration: number
  readonly deadLetters: boolean
  readonly retractions: Retractions
}

/** The longest that an operation waits for Redis. */
const limit = "30 seconds"

export const make = (server: Server, options: Options): EventStorage.Service["lease"] => {
  /** The first shard of the next lease, so that every shard has its turn. */
  let first = 0

  const takeFrom = (
    shard: number,
    token: string,
    request: EventStorage.LeaseOptions,
    taken: ReadonlyArray<Leased>
  ): Effect.Effect<ReadonlyArray<Leased>, StorageError> => {
    const bytes = taken.reduce((sum, { event }) => sum + event.end - event.start + 1, 0)
    const script = run(server, "lease", shard, Scripts.lease, [
      token,
      options.duration,
      request.maxEvents - taken.length,
      Math.max(0, Math.floor(request.maxBytes) - bytes),
      taken.length === 0 ? 1 : 0,
      request.includePaused === true ? 1 : 0
    ])
    return Effect.flatMap(
      // an empty list: the script has not looked at all events yet
      Effect.repeat(script, { while: (reply) => (reply as ReadonlyArray<Reply> | null)?.length === 0 }),
      (reply) => {
        if (reply === null) return Effect.succeed(taken)
        const answer = takenOf(reply)
        return Effect.map(
          read(server, "lease", shard, Scripts.read, answer.positions),
          (jsons) => {
            const leased = leasedOf(shard, answer, jsons)
            return taken.length === 0 ? leased : [...taken, ...leased]
          }
        )
      }
    )
  }

  const take = (token: string, request: EventStorage.LeaseOptions) =>
    Effect.suspend(() => {
      const shards = server.shards.map((_, place) => (place + first) % server.shards.length)
      first = (first + 1) % server.shards.length
      return Effect.reduce(shards, [] as ReadonlyArray<Leased>, (taken, shard) =>
        taken.length < request.maxEvents ? takeFrom(shard, token, request, taken) : Effect.succeed(taken))
    })

  return (request) =>
    Effect.flatMap(Scope.Scope, (scope) => {
      if (request.maxEvents < 1) return Effect.succeed(Option.none())
      const token = globalThis.crypto.randomUUID()
      /** The shards that may hold the lease. A lease that was interrupted or has failed may exist. */
      let mayBeHeld = () => server.shards.map((_, shard) => shard)
      const giveBack = Effect.suspend(() =>
        // other clients can lease events that could not be returned when the lease expires
        Effect.forEach(
          mayBeHeld(),
          (shard) =>
            Effect.ignore(server.within("lease", limit)(run(server, "lease", shard, Scripts.giveBack, [token]))),
          { concurrency: "unbounded", discard: true }
        )
      )
      return Scope.addFinalizer(scope, giveBack).pipe(
        Effect.zipRight(withClock((clock) => {
          const start = monotonicOf(clock)
          return Effect.flatMap(
            server.within("lease", limit)(Effect.zipRight(options.retractions.carryOut, take(token, request))),
            (taken) => {
              const events = taken.map(({ event }) => event)
              if (!isNonEmptyReadonlyArray(events)) {
                mayBeHeld = () => []
                return Effect.succeed(Option.none())
              }
              const held = Held.make(token, taken, start + options.duration)
              const shards = new Set(taken.map(({ shard }) => shard))
              mayBeHeld = () => [...new Set(Array.from(held.items.values(), ({ shard }) => shard))]
              const renewal = server.within("lease", options.duration)(Effect.forEach(
                shards,
                (shard) => run(server, "lease", shard, Scripts.renew, [token, options.duration]),
                { discard: true }
              ))
              return Effect.as(
                Held.keepAlive(held, options.duration, scope, renewal),
                Option.some({
                  events,
                  acknowledge: (events, acknowledgeOptions) =>
                    acknowledge(server, options, held, events, acknowledgeOptions?.dropped),
                  release: (events, releaseOptions) => release(server, held, events, releaseOptions)
                })
              )
            }
          )
        }))
      )
    })
}

/** Runs a script on each shard that has some of the events. The result has the events of each shard and the answer. */
const onShards = (
  leased: ReadonlyArray<Leased>,
  ask: (leased: ReadonlyArray<Leased>, shard: number) => Effect.Effect<Reply, StorageError>
): Effect.Effect<ReadonlyArray<readonly [leased: ReadonlyArray<Leased>, reply: Reply]>, StorageError> =>
  Effect.forEach(new Set(leased.map(({ shard }) => shard)), (shard) => {
    const asked = leased.filter((one) => one.shard === shard)
    return Effect.map(ask(asked, shard), (reply) => [asked, reply] as const)
  })

const acknowledge = (
  server: Server,
  options: Options,
  held: Held.Held<Leased>,
  events: ReadonlyArray<EncodedEvent>,
  dropped: EventStorage.Dropped | undefined
): Effect.Effect<ReadonlyArray<EncodedEvent>, StorageError> =>
  Held.acknowledge(held, events, (items) => {
    const argumentsOf = (leased: ReadonlyArray<Leased>, shard: number, entries: ReadonlyArray<string>) => [
      held.token,
      shard,
      options.deadLetters && dropped !== undefined ? server.shards.length : 0,
      dropped?.reason ?? "",
      dropped?.code ?? 0,
      dropped?.message ?? "",
      leased.length,
      ...entries
    ]
    return server.within("acknowledge", limit)(Effect.map(
      onShards(items, (leased, shard) => {
        const ask = (entries: ReadonlyArray<string>) =>
          run(server, "acknowledge", shard, Scripts.acknowledge, argumentsOf(leased, shard, entries))
        const some = Effect.suspend(() => ask(leased.map(({ entry }) => entry)))
        if (items.length < held.items.size) return some
        // the script needs no entries to acknowledge all events, unless the lease has lost some
        return Effect.flatMap(ask([]), (reply) => reply === null ? some : Effect.succeed(reply))
      }),
      (answers) => {
        const lost = new Set(
          answers.flatMap(([leased, reply]) => (reply as ReadonlyArray<number>).map((place) => leased[place]!))
        )
        return (item: Leased) => !lost.has(item)
      }
    ))
  })

const release = (
  server: Server,
  held: Held.Held<Leased>,
  events: ReadonlyArray<EncodedEvent>,
  { attempts, notBefore, retries }: EventStorage.ReleaseOptions
): Effect.Effect<void, StorageError> =>
  Held.release(
    held,
    events,
    notBefore,
    (items, pause) =>
      server.within("release", limit)(onShards(items, (leased, shard) =>
        run(server, "release", shard, Scripts.release, [
          held.token,
          pause,
          attempts,
          retries,
          ...leased.map(({ entry }) => entry)
        ])))
  )
