/** Leases events. The storage renews a lease until its scope closes. A lease can hold events of several shards. */
import { isNonEmptyReadonlyArray } from "effect/Array"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import type { StorageError } from "../../../AmplitudeError.js"
import type { EventStorage } from "../../../EventStorage.js"
import { monotonicOf, withClock } from "../../time.js"
import * as Held from "../held.js"
import type { Leased } from "./events.js"
import { entryOf, leasedOf, positionOf, takenOf } from "./events.js"
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
      Math.min(request.maxEvents, Number.MAX_SAFE_INTEGER) - taken.length,
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
        return Effect.flatMap(read(server, "lease", shard, Scripts.read, answer.positions), (jsons) => {
          const leased = leasedOf(shard, answer, jsons)
          const all = taken.length === 0 ? leased : [...taken, ...leased]
          if (leased.length === jsons.length) return Effect.succeed(all)
          const gone = jsons.flatMap((json, place) => json === null ? [entryOf(answer, place)] : [])
          return Effect.flatMap(
            forget(shard, token, gone),
            () => leased.length > 0 ? Effect.succeed(all) : takeFrom(shard, token, request, taken)
          )
        })
      }
    )
  }

  /**
   * Removes entries without JSON from a lease, so that they do not hold back the events behind them. Another process has
   * acknowledged them after the end of the lease, or the server has lost their JSON, as when it evicts keys.
   */
  const forget = (shard: number, token: string, entries: ReadonlyArray<string>) =>
    run(server, "lease", shard, Scripts.acknowledge, [token, shard, 0, "", 0, "", entries.length, ...entries])

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
              const removed = new Set<Leased>()
              mayBeHeld = () => [...new Set(Array.from(held.items.values(), ({ shard }) => shard))]
              const renewal = Effect.suspend(() =>
                server.within("lease", options.duration)(Effect.map(
                  onEach(mayBeHeld(), (shard) => run(server, "lease", shard, Scripts.renew, [token, options.duration])),
                  (replies) => replies.every((reply) => reply === 1)
                ))
              )
              return Effect.as(
                Held.keepAlive(held, options.duration, scope, renewal),
                Option.some({
                  events,
                  acknowledge: (events, acknowledgeOptions) =>
                    acknowledge(server, options, held, removed, events, acknowledgeOptions?.dropped),
                  release: (events, releaseOptions) => release(server, held, events, releaseOptions)
                })
              )
            }
          )
        }))
      )
    })
}

/** Asks each shard, also if another one fails. */
const onEach = <A>(
  shards: Iterable<number>,
  ask: (shard: number) => Effect.Effect<A, StorageError>
): Effect.Effect<ReadonlyArray<A>, StorageError> =>
  Effect.flatMap(
    Effect.forEach(shards, (shard) => Effect.exit(ask(shard)), { concurrency: "unbounded" }),
    (exits) => Option.getOrElse(Exit.all(exits), () => Exit.succeed<ReadonlyArray<A>>([]))
  )

/** Asks each shard that has some of the events. */
const onShards = (
  leased: ReadonlyArray<Leased>,
  ask: (leased: ReadonlyArray<Leased>, shard: number) => Effect.Effect<unknown, StorageError>
): Effect.Effect<unknown, StorageError> =>
  onEach(new Set(leased.map(({ shard }) => shard)), (shard) => ask(leased.filter((one) => one.shard === shard), shard))

const acknowledge = (
  server: Server,
  options: Options,
  held: Held.Held<Leased>,
  /** The events that a shard has removed. Another shard can have failed meanwhile. */
  removed: Set<Leased>,
  events: ReadonlyArray<EncodedEvent>,
  dropped: EventStorage.Dropped | undefined
): Effect.Effect<ReadonlyArray<EncodedEvent>, StorageError> => {
  const within = server.within("acknowledge", limit)
  const ask = (leased: ReadonlyArray<Leased>, shard: number, entries: ReadonlyArray<string>) =>
    run(server, "acknowledge", shard, Scripts.acknowledge, [
      held.token,
      shard,
      options.deadLetters && dropped !== undefined ? server.shards.length : 0,
      dropped?.reason ?? "",
      dropped?.code ?? 0,
      dropped?.message ?? "",
      leased.length,
      ...entries
    ])
  return Held.acknowledge(held, events, {
    remove: (items) => {
      const areAll = items.length === held.items.size
      const lost = new Set<Leased>()
      const answered: Array<ReadonlyArray<Leased>> = []
      const removal = onShards(items, (leased, shard) => {
        const some = Effect.suspend(() => ask(leased, shard, leased.map(({ entry }) => entry)))
        // the script needs no entries to acknowledge all events, unless the lease has lost some
        const removal = areAll
          ? Effect.flatMap(ask(leased, shard, []), (reply) => reply === null ? some : Effect.succeed(reply))
          : some
        return Effect.map(removal, (reply) => {
          answered.push(leased)
          for (const place of reply as ReadonlyArray<number>) lost.add(leased[place]!)
        })
      })
      return within(removal).pipe(
        Effect.onError(() =>
          Effect.sync(() => {
            for (const item of answered.flat()) if (!lost.has(item)) removed.add(item)
          })
        ),
        Effect.as((item: Leased) => !lost.has(item) || removed.has(item))
      )
    },
    areStored: (items) => {
      const stored = new Set<Leased>()
      return within(Effect.as(
        onShards(items, (leased, shard) =>
          Effect.map(
            run(server, "acknowledge", shard, Scripts.read, leased.map(({ entry }) => positionOf(entry))),
            (jsons) => {
              leased.forEach((item, place) => {
                if ((jsons as ReadonlyArray<Reply>)[place] !== null) stored.add(item)
              })
            }
          )),
        (item: Leased) => stored.has(item)
      ))
    }
  })
}

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
