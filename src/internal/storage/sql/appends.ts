/**
 * Appends events. Outside a transaction, appends are committed in groups. Inside a transaction of the caller, an append
 * is one INSERT in a savepoint, and nothing else.
 */
import type { Connection } from "@effect/sql/SqlConnection"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { StorageError } from "../../../AmplitudeError.js"
import type { EventStorage } from "../../../EventStorage.js"
import type { Appending } from "../groups.js"
import * as Groups from "../groups.js"
import type { Capacity } from "./capacity.js"
import type { Database } from "./database.js"
import { failsWith, isOfValues, run, transaction } from "./database.js"
import type { NewRow } from "./dialect.js"
import type { Retractions } from "./retractions.js"
import { rowOf } from "./rows.js"
import type * as Transactions from "./transactions.js"

type EncodedEvent = EventStorage.EncodedEvent

/** The longest that a caller waits for the database. */
const limit = "5 seconds"

const refused: EventStorage.AppendResult = { _tag: "Refused" }
const onCommit: EventStorage.AppendResult = { _tag: "AcceptedOnCommit" }
const accepted: EventStorage.AppendResult = { _tag: "Accepted", evicted: [] }

const failure = (message: string) => new StorageError({ operation: "append", message: `append: ${message}` })

/** The dependencies of an append outside transactions. */
interface Outside {
  readonly evict: (keep: number) => Effect.Effect<ReadonlyArray<EncodedEvent>, StorageError>
  readonly retractions: Retractions
}

export const make = (
  database: Database,
  capacity: Capacity,
  options: Outside & {
    /** Called when events were stored in a transaction that may commit later. */
    readonly onTransaction: () => void
    readonly connectionOf: Transactions.ConnectionOf
  }
): Effect.Effect<EventStorage.Service["append"], never, Scope.Scope> =>
  Effect.gen(function*() {
    const group = yield* Groups.make((group) => commit(database, capacity, options, group))
    const inTransaction = makeInTransaction(database, capacity, options.onTransaction)
    return (events, appendOptions) =>
      Effect.withFiberRuntime(({ currentContext }) =>
        Option.match(options.connectionOf(currentContext), {
          onNone: () => group(events, appendOptions),
          onSome: (connection) => inTransaction(connection, events, appendOptions)
        })
      )
  })

// -- outside transactions --------------------------------------------------------------------------------------------

/** Stores a group, and resumes each caller. */
const commit = (
  database: Database,
  capacity: Capacity,
  { evict, retractions }: Outside,
  group: ReadonlyArray<Appending>
): Effect.Effect<void> =>
  Effect.suspend(() => {
    const most = group.reduce((most, { options }) => Math.max(most, options.capacity), 0)
    let admission: Admission = { admitted: [], keep: undefined }
    const store = (group.some(({ events }) => retractions.hold(events)) ? retractions.carryOut : Effect.void).pipe(
      Effect.zipRight(capacity.refresh(most)),
      Effect.zipRight(Effect.suspend(() => {
        admission = admit(group, Option.getOrElse(capacity.estimate(), () => 0))
        return insertAll(database, admission.admitted)
      }))
    )
    return database.within("append", limit)(store).pipe(
      Effect.tapError(() => Effect.sync(() => retractions.add(eventsOf(admission.admitted)))),
      Effect.flatMap((failures) => {
        const stored = admission.admitted.filter((appending) => !failures.has(appending))
        retractions.add(eventsOf([...failures.keys()]))
        capacity.add(stored.reduce((sum, { events }) => sum + events.length, 0))
        // the events are stored: if evicting fails, the next append evicts
        const evicted = stored.length === 0 || admission.keep === undefined
          ? Effect.succeed<ReadonlyArray<EncodedEvent>>([])
          : Effect.orElseSucceed(evict(admission.keep), () => [])
        return Effect.map(evicted, (evicted): Outcome => ({ admitted: admission.admitted, stored, failures, evicted }))
      }),
      Effect.exit,
      Effect.flatMap((exit) => {
        const resultOf = resultsOf(exit)
        for (const appending of group) appending.end(resultOf(appending))
        return Exit.isSuccess(exit) ? Effect.ignore(retractions.carryOut) : Effect.void
      })
    )
  })

/** The failures of single calls of a group. */
type Failures = ReadonlyMap<Appending, Exit.Exit<never, StorageError>>

interface Outcome {
  readonly admitted: ReadonlyArray<Appending>
  readonly stored: ReadonlyArray<Appending>
  readonly failures: Failures
  readonly evicted: ReadonlyArray<EncodedEvent>
}

interface Admission {
  readonly admitted: ReadonlyArray<Appending>
  /** The most events that stay, or undefined if nothing is evicted. */
  readonly keep: number | undefined
}

const admit = (group: ReadonlyArray<Appending>, held: number): Admission => {
  let keep: number | undefined = undefined
  const admitted = group.filter(({ events, options }) => {
    const hasRoom = held + events.length <= options.capacity
    if (!hasRoom && options.whenFull === "refuse") return false
    if (!hasRoom) keep = Math.min(keep ?? options.capacity, options.capacity)
    held += events.length
    return true
  })
  return { admitted, keep }
}

/** Gives the evicted events to the first caller that evicts. */
const resultsOf = (
  exit: Exit.Exit<Outcome, StorageError>
): (appending: Appending) => Exit.Exit<EventStorage.AppendResult, StorageError> => {
  if (Exit.isFailure(exit)) return () => Exit.failCause(exit.cause)
  const { admitted, evicted, failures, stored } = exit.value
  const isAdmitted = new Set(admitted)
  const teller = evicted.length === 0 ? undefined : stored.find(({ options }) => options.whenFull === "evictOldest")
  return (appending) =>
    failures.get(appending) ??
      Exit.succeed(
        !isAdmitted.has(appending) ? refused : appending === teller ? { _tag: "Accepted", evicted } : accepted
      )
}

const eventsOf = (calls: ReadonlyArray<Appending>): ReadonlyArray<EncodedEvent> => calls.flatMap(({ events }) => events)

const rowsOf = (calls: ReadonlyArray<Appending>): ReadonlyArray<NewRow> => eventsOf(calls).map(rowOf)

/**
 * Inserts the events of calls together. If the database refuses the values of one of them, each call is inserted by itself, so
 * that the others are stored.
 */
const insertAll = (
  database: Database,
  calls: ReadonlyArray<Appending>
): Effect.Effect<Failures, StorageError> =>
  calls.length === 0
    ? Effect.succeed(noFailures)
    : Effect.catchIf(
      Effect.as(insert(database, rowsOf(calls)), noFailures),
      (error) => calls.length > 1 && isOfValues(error),
      () =>
        Effect.map(
          Effect.forEach(calls, (call) => Effect.exit(insert(database, rowsOf([call])))),
          (exits) =>
            new Map(
              exits.flatMap((exit, place) =>
                Exit.isFailure(exit) ? [[calls[place]!, Exit.failCause(exit.cause)] as const] : []
              )
            )
        )
    )

const noFailures: Failures = new Map()

const insert = (database: Database, rows: ReadonlyArray<NewRow>): Effect.Effect<void, StorageError> => {
  const { dialect } = database
  const statements = dialect.insertsAtOnce(rows) ? run : transaction
  return Effect.asVoid(statements(database, "append", (sql, tables) => dialect.insert(sql, tables, rows)))
}

// -- inside a transaction of the caller ------------------------------------------------------------------------------

/**
 * Fibers of one transaction share its connection. Concurrent savepoints would undo each other, so that one runs at a
 * time.
 */
const turns = new WeakMap<Connection, Effect.Semaphore>()

const turnOf = (connection: Connection): Effect.Semaphore => {
  const turn = turns.get(connection) ?? Effect.unsafeMakeSemaphore(1)
  turns.set(connection, turn)
  return turn
}

/** The number for the name of the next savepoint. Each name is used once. */
let savepoints = 0

const makeInTransaction = (database: Database, capacity: Capacity, onTransaction: () => void) =>
(
  connection: Connection,
  events: NonEmptyReadonlyArray<EncodedEvent>,
  options: EventStorage.AppendOptions
): Effect.Effect<EventStorage.AppendResult, StorageError> =>
  Effect.suspend(() => {
    if (options.isAwaited === true) {
      return Effect.fail(
        failure(
          "the outcome of an event cannot be awaited inside the transaction that stores it. Await it after the commit"
        )
      )
    }
    const hasRoom = Option.getOrElse(capacity.estimate(), () => 0) + events.length <= options.capacity
    if (!hasRoom && options.whenFull === "refuse") {
      return Effect.succeed<EventStorage.AppendResult>({ _tag: "Refused", inTransaction: true })
    }
    const savepoint = `amplitude_${++savepoints}`
    const { dialect, sql, tables } = database
    const execute = sql.executeUnprepared
    return execute(`SAVEPOINT ${savepoint}`).pipe(
      Effect.zipRight(
        Effect.onError(
          Effect.suspend(() => dialect.insert(sql, tables, events.map(rowOf))),
          () =>
            Effect.ignore(Effect.zipRight(
              execute(`ROLLBACK TO SAVEPOINT ${savepoint}`),
              execute(`RELEASE SAVEPOINT ${savepoint}`)
            ))
        )
      ),
      Effect.zipRight(execute(`RELEASE SAVEPOINT ${savepoint}`)),
      Effect.withTracerEnabled(false),
      failsWith("append"),
      Effect.map(() => {
        capacity.add(events.length)
        onTransaction()
        return onCommit
      }),
      turnOf(connection).withPermits(1),
      Effect.uninterruptible
    )
  })
