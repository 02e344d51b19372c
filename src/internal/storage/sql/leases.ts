/** Leases events. The storage renews a lease until its scope closes. */
import type { NonEmptyReadonlyArray } from "effect/Array"
import { isNonEmptyReadonlyArray } from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import type { StorageError } from "../../../AmplitudeError.js"
import type { EventStorage } from "../../../EventStorage.js"
import { monotonicOf, withClock } from "../../time.js"
import * as Held from "../held.js"
import type { Database } from "./database.js"
import { run, transaction } from "./database.js"
import type { Left, NewRow, Row } from "./dialect.js"
import { seqOf } from "./dialect.js"
import type { Retractions } from "./retractions.js"
import { columnText, encodeLane, eventsOf, rowOf } from "./rows.js"
import type * as ScanStart from "./scanStart.js"

type EncodedEvent = EventStorage.EncodedEvent

/** An event of a lease. */
class Leased {
  readonly seq: number
  /** The stored form of the lane. */
  readonly lane: string
  readonly event: EncodedEvent

  constructor(row: Row, event: EncodedEvent) {
    this.seq = seqOf(row)
    this.lane = encodeLane(event.lane)
    this.event = event
  }
}

export interface Options {
  /** The name of this storage in its leases, for readers of the table. */
  readonly client: string
  /** In milliseconds. */
  readonly duration: number
  readonly deadLetters: boolean
  readonly makeToken: () => string
  readonly onSettled: (events: number) => void
  readonly retractions: Retractions
  readonly scanStart: ScanStart.ScanStart
}

/** The longest that an operation waits for the database. */
const limit = "30 seconds"

/** A limit as a whole number, since databases have no infinity. */
const bounded = (limit: number): number => Math.min(limit, Number.MAX_SAFE_INTEGER)

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
    const isAlone = retractions.areNone
    const take = (question: ScanStart.Question) =>
      (isAlone && dialect.leasesAtOnce ? run : transaction)(database, "lease", (sql, tables) =>
        Effect.zipRight(
          isAlone ? Effect.void : Effect.zipRight(dialect.lock(sql, tables), retractions.remove),
          dialect.lease(sql, tables, {
            token,
            client: options.client,
            maxEvents: bounded(request.maxEvents),
            maxBytes: bounded(request.maxBytes),
            includePaused: request.includePaused === true,
            duration: options.duration,
            from: question.from,
            asksState: question.asksState,
            isAlone
          })
        ))
    /** Whether the lease may exist. A lease that was interrupted or has failed may exist. */
    let mayBeHeld = () => true
    const giveBack = Effect.suspend(() =>
      mayBeHeld()
        // other clients can lease events that could not be returned when the lease expires
        ? Effect.ignore(
          database.within("lease", limit)(run(database, "lease", (sql, tables) => dialect.giveBack(sql, tables, token)))
        )
        : Effect.void
    )
    return Scope.addFinalizer(scope, giveBack).pipe(
      Effect.zipRight(withClock((clock) => {
        const start = monotonicOf(clock)
        const question = options.scanStart.ask(start)
        const leasing = Effect.tapErrorCause(database.within("lease", limit)(take(question)), () =>
          Effect.sync(options.scanStart.reset))
        return Effect.flatMap(leasing, ({ rows, scan }) => {
          retractions.done()
          if (scan !== undefined) {
            options.scanStart.answered(question, scan, monotonicOf(clock) - start)
          }
          const events = eventsOf(rows)
          if (!isNonEmptyReadonlyArray(events)) {
            mayBeHeld = () =>
              false
            return Effect.succeed(Option.none())
          }
          const held = Held.make(token, leasedOf(rows, events), start + options.duration)
          mayBeHeld = () => held.items.size > 0
          const renewal = database.within("lease", options.duration)(
            run(database, "lease", (sql, tables) => database.dialect.renew(sql, tables, token, options.duration))
          )
          return Effect.as(
            Held.keepAlive(held, options.duration, scope, renewal),
            Option.some(serviceOf(database, options, held, events))
          )
        })
      }))
    )
  })

const leasedOf = (rows: ReadonlyArray<Row>, events: ReadonlyArray<EncodedEvent>): ReadonlyArray<Leased> =>
  rows.map((row, place) => {
    const event = events[place]!
    return new Leased(row, event)
  })

const serviceOf = (
  database: Database,
  options: Options,
  held: Held.Held<Leased>,
  events: NonEmptyReadonlyArray<EncodedEvent>
): EventStorage.Lease => ({
  events,
  acknowledge: (events, acknowledgeOptions) =>
    acknowledge(database, options, held, events, acknowledgeOptions?.dropped),
  release: (events, releaseOptions) => release(database, held, events, releaseOptions)
})

/** The events that the lease holds without the given ones. */
const leftWithout = (held: Held.Held<Leased>, settled: ReadonlyArray<Leased>): Left => {
  const gone = new Set(settled)
  const left = [...held.items.values()].filter((leased) => !gone.has(leased))
  return { seqs: left.map(({ seq }) => seq), lanes: [...new Set(left.map(({ lane }) => lane))] }
}

const rowsOf = (leased: ReadonlyArray<Leased>): ReadonlyArray<NewRow> => leased.map(({ event }) => rowOf(event))

/** A message can be the answer of a server, which can be any text. */
const columnsOf = (dropped: EventStorage.Dropped): EventStorage.Dropped => ({
  ...dropped,
  message: columnText(dropped.message)
})

const acknowledge = (
  database: Database,
  options: Options,
  held: Held.Held<Leased>,
  events: ReadonlyArray<EncodedEvent>,
  dropped: EventStorage.Dropped | undefined
): Effect.Effect<ReadonlyArray<EncodedEvent>, StorageError> =>
  Effect.tap(
    Held.acknowledge(held, events, {
      remove: (items) =>
        Effect.map(
          database.within("acknowledge", limit)(settle(database, options, held, items, dropped)),
          (isHeld) => () => isHeld
        ),
      areStored: (items) =>
        Effect.map(
          database.within("acknowledge", limit)(
            run(database, "acknowledge", (sql, tables) =>
              database.dialect.stored(
                sql,
                tables,
                items.map(({ seq }) => seq)
              ))
          ),
          (rows) => {
            const stored = new Set(rows.map(seqOf))
            return ({ seq }) => stored.has(seq)
          }
        )
    }),
    ({ length }) => options.onSettled(length)
  )

/** Takes events out of a lease and deletes them. The result says whether the lease existed. */
const settle = (
  database: Database,
  { deadLetters }: Options,
  held: Held.Held<Leased>,
  settled: ReadonlyArray<Leased>,
  dropped: EventStorage.Dropped | undefined
): Effect.Effect<boolean, StorageError> => {
  const seqs = settled.map(({ seq }) => seq)
  const left = leftWithout(held, settled)
  const isBuried = deadLetters && dropped !== undefined
  const { dialect, sql, tables } = database
  const atOnce = isBuried ? undefined : dialect.settle(sql, tables, { token: held.token, seqs, left })
  return atOnce !== undefined
    ? run(database, "acknowledge", () => atOnce)
    : transaction(
      database,
      "acknowledge",
      (sql) =>
        Effect.tap(dialect.leave(sql, tables, held.token, left), (isHeld) =>
          !isHeld ? Effect.void : Effect.zipRight(
            dialect.remove(sql, tables, seqs),
            isBuried ? dialect.bury(sql, tables, rowsOf(settled), columnsOf(dropped)) : Effect.void
          ))
    )
}

const release = (
  database: Database,
  held: Held.Held<Leased>,
  events: ReadonlyArray<EncodedEvent>,
  { attempts, notBefore, retries }: EventStorage.ReleaseOptions
): Effect.Effect<void, StorageError> =>
  Held.release(held, events, notBefore, (released, pause) => {
    const seqs = released.map(({ seq }) => seq)
    const left = leftWithout(held, released)
    const { dialect, tables } = database
    return database.within("release", limit)(transaction(database, "release", (sql) =>
      Effect.flatMap(dialect.leave(sql, tables, held.token, left), (isHeld) =>
        isHeld
          ? dialect.release(sql, tables, seqs, { pause, attempts, retries })
          : Effect.void)))
  })
