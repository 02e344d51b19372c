/** Leases. The storage keeps one alive for as long as its scope is open. */
import type { NonEmptyReadonlyArray } from "effect/Array"
import { isNonEmptyReadonlyArray } from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import type { StorageError } from "../../../AmplitudeError.js"
import type { EventStorage } from "../../../EventStorage.js"
import { monotonicOf, wallTimeOf, withClock } from "../../time.js"
import type { Database } from "./database.js"
import { run, transaction, within } from "./database.js"
import type { Left, Row } from "./dialect.js"
import { seqOf } from "./dialect.js"
import type { Retractions } from "./retractions.js"
import { encodeLane, eventsOf, identityOf, rowOf } from "./rows.js"

type EncodedEvent = EventStorage.EncodedEvent

/** An event of a lease. */
class Held {
  readonly seq: number
  /** As it is stored. */
  readonly lane: string
  readonly event: EncodedEvent

  constructor(row: Row, event: EncodedEvent) {
    this.seq = seqOf(row)
    this.lane = encodeLane(event.lane)
    this.event = event
  }
}

interface State {
  readonly token: string
  /** Those that are neither acknowledged nor released, by identity. */
  readonly held: Map<string, Held>
  /** Acknowledged without an answer: whether they are gone is not known. */
  readonly doubtful: Set<number>
  /** Until then nobody else can have taken the events: monotonic, in milliseconds. */
  safeUntil: number
  readonly turn: Effect.Semaphore
}

export interface Options {
  /** Names this storage in its leases, for people who look at the table. */
  readonly client: string
  /** In milliseconds. */
  readonly duration: number
  readonly deadLetters: boolean
  readonly makeToken: () => string
  readonly onSettled: (events: number) => void
  readonly retractions: Retractions
}

/** The longest that an operation waits for the database. */
const limit = "30 seconds"

export const make = (
  database: Database,
  options: Options
): EventStorage.Service["lease"] =>
(request) =>
  Effect.flatMap(Scope.Scope, (scope) => {
    if (request.maxEvents < 1) return Effect.succeed(Option.none())
    const token = options.makeToken()
    const retractions = options.retractions.next()
    const { dialect } = database
    const isAlone = retractions.areNone && dialect.leasesAtOnce
    const take = (isAlone ? run : transaction)(database, "lease", (sql, tables) =>
      Effect.zipRight(
        retractions.areNone ? Effect.void : Effect.zipRight(dialect.lock(sql, tables), retractions.carryOut),
        dialect.lease(sql, tables, {
          token,
          client: options.client,
          maxEvents: request.maxEvents,
          maxBytes: request.maxBytes,
          includePaused: request.includePaused === true,
          duration: options.duration
        })
      ))
    /** Whether the lease may be there: nothing is known of one that was interrupted or that failed. */
    let mayBeHeld = () => true
    const giveBack = Effect.suspend(() =>
      mayBeHeld()
        // what cannot be given back is anyone's when its time is over
        ? Effect.ignore(
          within("lease", limit)(run(database, "lease", (sql, tables) => dialect.giveBack(sql, tables, token)))
        )
        : Effect.void
    )
    return Scope.addFinalizer(scope, giveBack).pipe(
      Effect.zipRight(withClock((clock) => {
        const start = monotonicOf(clock)
        return Effect.flatMap(within("lease", limit)(take), (rows) => {
          retractions.done()
          const events = eventsOf(rows)
          if (!isNonEmptyReadonlyArray(events)) {
            mayBeHeld = () => false
            return Effect.succeed(Option.none())
          }
          const state = stateOf(token, rows, events, start + options.duration)
          mayBeHeld = () => state.held.size > 0
          return Effect.as(
            keepAlive(database, options, state, scope),
            Option.some(serviceOf(database, options, state, events))
          )
        })
      }))
    )
  })

const stateOf = (
  token: string,
  rows: ReadonlyArray<Row>,
  events: ReadonlyArray<EncodedEvent>,
  safeUntil: number
): State => ({
  token,
  held: new Map(rows.map((row, place) => {
    const event = events[place]!
    return [identityOf(event), new Held(row, event)]
  })),
  doubtful: new Set(),
  safeUntil,
  turn: Effect.unsafeMakeSemaphore(1)
})

/** Renews a lease three times in its time. A renewal that fails is tried again. */
const keepAlive = (database: Database, options: Options, state: State, scope: Scope.Scope): Effect.Effect<void> => {
  const renew = withClock((clock) => {
    if (state.held.size === 0) return Effect.void
    const start = monotonicOf(clock)
    return Effect.map(
      run(database, "lease", (sql, tables) => database.dialect.renew(sql, tables, state.token, options.duration)),
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

const serviceOf = (
  database: Database,
  options: Options,
  state: State,
  events: NonEmptyReadonlyArray<EncodedEvent>
): EventStorage.Lease => ({
  events,
  acknowledge: (events, acknowledgeOptions) =>
    acknowledge(database, options, state, events, acknowledgeOptions?.dropped),
  release: (events, releaseOptions) => release(database, state, events, releaseOptions)
})

const heldOf = (state: State, events: ReadonlyArray<EncodedEvent>): ReadonlyArray<Held> =>
  [...new Set(events.map(identityOf))].flatMap((identity) => state.held.get(identity) ?? [])

/** What the lease holds without these. */
const leftWithout = (state: State, settled: ReadonlyArray<Held>): Left => {
  const gone = new Set(settled)
  const left = [...state.held.values()].filter((held) => !gone.has(held))
  return { seqs: left.map(({ seq }) => seq), lanes: [...new Set(left.map(({ lane }) => lane))] }
}

const forget = (state: State, settled: ReadonlyArray<Held>): void => {
  for (const { event } of settled) state.held.delete(identityOf(event))
}

const acknowledge = (
  database: Database,
  options: Options,
  state: State,
  events: ReadonlyArray<EncodedEvent>,
  dropped: EventStorage.Dropped | undefined
): Effect.Effect<ReadonlyArray<EncodedEvent>, StorageError> =>
  state.turn.withPermits(1)(Effect.suspend(() => {
    const settled = heldOf(state, events)
    if (settled.length === 0) return Effect.succeed([])
    const seqs = settled.map(({ seq }) => seq)
    const left = leftWithout(state, settled)
    const isBuried = options.deadLetters && dropped !== undefined
    const { dialect, sql, tables } = database
    const atOnce = isBuried ? undefined : dialect.settle(sql, tables, { token: state.token, seqs, left })
    const settle = atOnce !== undefined
      ? run(database, "acknowledge", () => atOnce)
      : transaction(database, "acknowledge", (sql) =>
        Effect.flatMap(dialect.hold(sql, tables, state.token), (isHeld) =>
          isHeld
            ? dialect.remove(sql, tables, seqs).pipe(
              Effect.tap(() =>
                isBuried
                  ? dialect.bury(
                    sql,
                    tables,
                    settled.map(({ event }) =>
                      rowOf(event)
                    ),
                    dropped
                  )
                  : Effect.void
              ),
              Effect.zipRight(dialect.leave(sql, tables, state.token, left)),
              Effect.as(true)
            )
            : Effect.succeed(false)))
    return within("acknowledge", limit)(settle).pipe(
      Effect.tapErrorCause(() =>
        Effect.sync(() => {
          for (const seq of seqs) {
            state.doubtful.add(seq)
          }
        })
      ),
      Effect.flatMap((isHeld) =>
        withClock((clock) => {
          // removed by an earlier call whose answer was lost: nobody else can have done it
          const isSafe = monotonicOf(clock) < state.safeUntil
          const ours = isHeld ? settled : settled.filter(({ seq }) =>
            isSafe && state.doubtful.has(seq)
          )
          forget(state, settled)
          options.onSettled(ours.length)
          return Effect.succeed(ours.map(({ event }) => event))
        })
      )
    )
  }))

const release = (
  database: Database,
  state: State,
  events: ReadonlyArray<EncodedEvent>,
  { attempts, notBefore, retries }: EventStorage.ReleaseOptions
): Effect.Effect<void, StorageError> =>
  state.turn.withPermits(1)(withClock((clock) => {
    const released = heldOf(state, events)
    if (released.length === 0) return Effect.void
    const left = leftWithout(state, released)
    const pause = notBefore === 0 ? 0 : Math.max(0, Math.ceil(notBefore - wallTimeOf(clock)))
    const { dialect, tables } = database
    return Effect.map(
      within("release", limit)(transaction(database, "release", (sql) =>
        Effect.flatMap(dialect.hold(sql, tables, state.token), (isHeld) =>
          isHeld
            ? Effect.zipRight(
              dialect.release(sql, tables, released.map(({ seq }) => seq), { pause, attempts, retries }),
              dialect.leave(sql, tables, state.token, left)
            )
            : Effect.void))),
      () =>
        forget(state, released)
    )
  }))
