/** The storage over a database whose tables exist. Each operation has its own module. */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { StorageError } from "../../../AmplitudeError.js"
import type { EventStorage } from "../../../EventStorage.js"
import { withMonotonic } from "../../time.js"
import * as Gauges from "../gauges.js"
import * as Watch from "../watch.js"
import * as Appends from "./appends.js"
import * as Capacity from "./capacity.js"
import type { Database } from "./database.js"
import { run, transaction } from "./database.js"
import * as Leases from "./leases.js"
import * as Retractions from "./retractions.js"
import { eventsOf, rowOf } from "./rows.js"
import * as ScanStart from "./scanStart.js"
import * as Transactions from "./transactions.js"

export interface Options {
  /** In milliseconds. */
  readonly pollInterval: number
  /** In milliseconds. */
  readonly leaseDuration: number
  readonly deadLetters: boolean
}

/** The reason of events that the storage itself has dropped. */
const full: EventStorage.Dropped = { reason: "BufferFull", code: 0, message: "the storage was full" }

/** The shortest time between two returns of space to the system. */
const shrinkEvery = "1 second"

const limit = "30 seconds"

/** On a single connection the query would wait for the transaction of the caller, which waits for the query. */
const insideTransaction = new StorageError({
  operation: "transaction",
  message: "count: what a client has stored cannot be counted inside a transaction"
})

export const make = (
  database: Database,
  options: Options
): Effect.Effect<EventStorage.Service, StorageError, Scope.Scope> =>
  Effect.gen(function*() {
    const { dialect } = database
    const capacity = Capacity.make(database)
    const retractions = Retractions.make(database)
    const scanStart = ScanStart.make()
    const watch = Watch.make(
      Effect.tap(
        withMonotonic((now) =>
          database.within("changes", limit)(
            run(database, "changes", (sql, tables) => dialect.watch(sql, tables, scanStart.from(now)))
          )
        ),
        ({ age }) => Gauges.setOldestAge(age)
      ),
      options.pollInterval
    )
    const makeToken = () => globalThis.crypto.randomUUID()
    const isVolatile = yield* run(database, "migrate", dialect.isVolatile)
    const shrink = yield* makeShrink(database)

    const evict = ({ from, keep }: EventStorage.EvictOptions) =>
      Effect.map(
        database.within("evict", limit)(transaction(database, "evict", (sql, tables) =>
          dialect.lock(sql, tables).pipe(
            Effect.zipRight(dialect.evict(sql, tables, { from, keep })),
            Effect.tap((rows) =>
              options.deadLetters && rows.length > 0
                ? dialect.bury(sql, tables, eventsOf(rows).map(rowOf), full)
                : Effect.void
            )
          ))),
        (rows) => {
          capacity.add(-rows.length)
          return eventsOf(rows)
        }
      )

    const connectionOf = yield* Transactions.make(database.client)
    const append = yield* Appends.make(database, capacity, {
      connectionOf,
      evict: (keep) => evict({ keep, from: "oldest" }),
      retractions,
      onTransaction: watch.expect
    })

    return {
      append,
      lease: Leases.make(database, {
        client: makeToken(),
        duration: options.leaseDuration,
        deadLetters: options.deadLetters,
        makeToken,
        retractions,
        scanStart,
        onSettled: (events) => {
          capacity.add(-events)
          shrink()
        }
      }),
      evict,
      count: (of) =>
        of === undefined
          ? database.within("count", limit)(run(database, "count", dialect.count))
          : Effect.contextWithEffect((context: Context.Context<never>) =>
            Option.isSome(connectionOf(context))
              ? Effect.fail(insideTransaction)
              : database.within("count", limit)(
                run(database, "count", (sql, tables) => dialect.countOf(sql, tables, of.clientId, of.upTo))
              )
          ),
      changes: watch.changes,
      durability: isVolatile ? "process" : "shared"
    }
  })

/** Returns space to the system in the background after events have left. */
const makeShrink = (database: Database): Effect.Effect<() => void, never, Scope.Scope> => {
  const { shrink } = database.dialect
  if (shrink === undefined) return Effect.succeed(() => {})
  const wanted = Effect.unsafeMakeLatch(false)
  const next = wanted.await.pipe(
    Effect.zipRight(Effect.sleep(shrinkEvery)),
    Effect.zipRight(Effect.sync(() => wanted.unsafeClose())),
    // it fails if another process uses the database, and is tried again later
    Effect.zipRight(Effect.ignore(run(database, "shrink", shrink)))
  )
  return Effect.as(
    Effect.forkScoped(Effect.interruptible(Effect.repeat(next, Schedule.forever))),
    () => wanted.unsafeOpen()
  )
}
