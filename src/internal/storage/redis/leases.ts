/** Leases. The storage keeps one alive for as long as its scope is open. A lease can hold events of several shards. */
import { isNonEmptyReadonlyArray } from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import type { StorageError } from "../../../AmplitudeError.js"
import type { EventStorage } from "../../../EventStorage.js"
import { monotonicOf, wallTimeOf, withClock } from "../../time.js"
import { identityOf } from "../sql/rows.js"
import type { Leased } from "./events.js"
import { encodeClient, leasedOf, textOf } from "./events.js"
import type { Retractions } from "./retractions.js"
import * as Scripts from "./scripts/index.js"
import type { Argument, Reply, Script, Server } from "./server.js"
import { run, within } from "./server.js"

type EncodedEvent = EventStorage.EncodedEvent

interface State {
  readonly token: string
  readonly shards: ReadonlySet<number>
  /** Those that are neither acknowledged nor released, by identity. */
  readonly held: Map<string, Leased>
  /** Acknowledged without an answer: whether they are gone is not known. */
  readonly doubtful: Set<Leased>
  /** Until then nobody else can have taken the events: monotonic, in milliseconds. */
  safeUntil: number
  readonly turn: Effect.Semaphore
}

export interface Options {
  /** In milliseconds. */
  readonly duration: number
  readonly deadLetters: boolean
  readonly retractions: Retractions
}

/** The longest that an operation waits for Redis. */
const limit = "30 seconds"

export const make = (server: Server, options: Options): EventStorage.Service["lease"] => {
  /** Where the next lease begins to ask: no shard waits for the others. */
  let first = 0

  const takeFrom = (
    shard: number,
    token: string,
    request: EventStorage.LeaseOptions,
    taken: ReadonlyArray<Leased>
  ): Effect.Effect<ReadonlyArray<Leased>, StorageError> => {
    const bytes = taken.reduce((sum, { event }) => sum + event.end - event.start + 1, 0)
    return Effect.map(
      run(server, "lease", shard, Scripts.lease, [
        token,
        options.duration,
        request.maxEvents - taken.length,
        Math.max(0, Math.floor(request.maxBytes) - bytes),
        taken.length === 0 ? 1 : 0,
        request.includePaused === true ? 1 : 0
      ]),
      (reply) => [...taken, ...leasedOf(shard, reply)]
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
      /** The shards where the lease may be: nothing is known of one that was interrupted or that failed. */
      let mayBeHeld = () => server.shards.map((_, shard) => shard)
      const giveBack = Effect.suspend(() =>
        // what cannot be given back is anyone's when its time is over
        Effect.forEach(
          mayBeHeld(),
          (shard) => Effect.ignore(within("lease", limit)(run(server, "lease", shard, Scripts.giveBack, [token]))),
          { concurrency: "unbounded", discard: true }
        )
      )
      return Scope.addFinalizer(scope, giveBack).pipe(
        Effect.zipRight(withClock((clock) => {
          const start = monotonicOf(clock)
          return Effect.flatMap(
            within("lease", limit)(Effect.zipRight(options.retractions.carryOut, take(token, request))),
            (taken) => {
              const events = taken.map(({ event }) => event)
              if (!isNonEmptyReadonlyArray(events)) {
                mayBeHeld = () => []
                return Effect.succeed(Option.none())
              }
              const state = stateOf(token, taken, start + options.duration)
              mayBeHeld = () => [...new Set([...state.held.values()].map(({ shard }) => shard))]
              return Effect.as(
                keepAlive(server, options, state, scope),
                Option.some({
                  events,
                  acknowledge: (events, acknowledgeOptions) =>
                    acknowledge(server, options, state, events, acknowledgeOptions?.dropped),
                  release: (events, releaseOptions) => release(server, state, events, releaseOptions)
                })
              )
            }
          )
        }))
      )
    })
}

const stateOf = (token: string, taken: ReadonlyArray<Leased>, safeUntil: number): State => ({
  token,
  shards: new Set(taken.map(({ shard }) => shard)),
  held: new Map(taken.map((leased) => [identityOf(leased.event), leased])),
  doubtful: new Set(),
  safeUntil,
  turn: Effect.unsafeMakeSemaphore(1)
})

/** Renews a lease three times in its time. A renewal that fails is tried again. */
const keepAlive = (server: Server, options: Options, state: State, scope: Scope.Scope): Effect.Effect<void> => {
  const renew = withClock((clock) => {
    if (state.held.size === 0) return Effect.void
    const start = monotonicOf(clock)
    return Effect.map(
      Effect.forEach(
        state.shards,
        (shard) => run(server, "lease", shard, Scripts.renew, [state.token, options.duration]),
        { discard: true }
      ),
      () => {
        state.safeUntil = start + options.duration
      }
    )
  })
  const wait = Effect.sleep(options.duration / 3)
  return Effect.asVoid(Effect.forkIn(
    Effect.interruptible(Effect.repeat(
      Effect.zipRight(wait, Effect.ignore(within("lease", options.duration)(renew))),
      Schedule.forever
    )),
    scope
  ))
}

const heldOf = (state: State, events: ReadonlyArray<EncodedEvent>): ReadonlyArray<Leased> =>
  [...new Set(events.map(identityOf))].flatMap((identity) => state.held.get(identity) ?? [])

const forget = (state: State, settled: ReadonlyArray<Leased>): void => {
  for (const { event } of settled) state.held.delete(identityOf(event))
}

/** Runs a script on each shard that has some of the events. */
const onShards = (
  server: Server,
  operation: string,
  script: Script,
  settled: ReadonlyArray<Leased>,
  argumentsOf: (held: ReadonlyArray<Leased>, shard: number) => ReadonlyArray<Argument>
): Effect.Effect<ReadonlyArray<readonly [shard: number, reply: Reply]>, StorageError> =>
  within(operation, limit)(Effect.forEach(
    new Set(settled.map(({ shard }) => shard)),
    (shard) => {
      const args = argumentsOf(settled.filter((held) => held.shard === shard), shard)
      return Effect.map(run(server, operation, shard, script, args), (reply) => [shard, reply] as const)
    }
  ))

const acknowledge = (
  server: Server,
  options: Options,
  state: State,
  events: ReadonlyArray<EncodedEvent>,
  dropped: EventStorage.Dropped | undefined
): Effect.Effect<ReadonlyArray<EncodedEvent>, StorageError> =>
  state.turn.withPermits(1)(Effect.suspend(() => {
    const settled = heldOf(state, events)
    if (settled.length === 0) return Effect.succeed([])
    const isBuried = options.deadLetters && dropped !== undefined
    return onShards(server, "acknowledge", Scripts.acknowledge, settled, (held, shard) => [
      state.token,
      shard,
      isBuried ? server.shards.length : 0,
      dropped?.reason ?? "",
      dropped?.code ?? 0,
      dropped?.message ?? "",
      JSON.stringify(held.flatMap(({ event, position }) => [position, encodeClient(event.clientId), event.sequence]))
    ]).pipe(
      Effect.tapErrorCause(() =>
        Effect.sync(() => {
          for (const held of settled) state.doubtful.add(held)
        })
      ),
      Effect.flatMap((replies) =>
        withClock((clock) => {
          const removed = new Set(
            replies.flatMap(([shard, reply]) =>
              (reply as ReadonlyArray<Reply>).map((position) => `${shard} ${textOf(position)}`)
            )
          )
          // removed by an earlier call whose answer was lost: nobody else can have done it
          const isSafe = monotonicOf(clock) < state.safeUntil
          const ours = settled.filter((held) =>
            removed.has(`${held.shard} ${held.position}`) || (isSafe && state.doubtful.has(held))
          )
          forget(state, settled)
          return Effect.succeed(ours.map(({ event }) => event))
        })
      )
    )
  }))

const release = (
  server: Server,
  state: State,
  events: ReadonlyArray<EncodedEvent>,
  { attempts, notBefore, retries }: EventStorage.ReleaseOptions
): Effect.Effect<void, StorageError> =>
  state.turn.withPermits(1)(withClock((clock) => {
    const released = heldOf(state, events)
    if (released.length === 0) return Effect.void
    const pause = notBefore === 0 ? 0 : Math.max(0, Math.ceil(notBefore - wallTimeOf(clock)))
    return Effect.map(
      onShards(server, "release", Scripts.release, released, (held) => [
        state.token,
        pause,
        attempts,
        retries,
        ...held.map(({ position }) => position)
      ]),
      () => forget(state, released)
    )
  }))
