/**
 * Appends. Outside a transaction they are committed in groups: what arrives while one group is under way is the next one.
 * Inside a transaction of the caller there is one INSERT in a savepoint, and nothing else.
 */
import type { Connection } from "@effect/sql/SqlConnection"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { StorageError } from "../../../AmplitudeError.js"
import type { EventStorage } from "../../../EventStorage.js"
import type { Capacity } from "./capacity.js"
import type { Database } from "./database.js"
import { failsWith, run, transaction, within } from "./database.js"
import type { NewRow } from "./dialect.js"
import { rowOf } from "./rows.js"
import * as Transactions from "./transactions.js"

type EncodedEvent = EventStorage.EncodedEvent

interface Appending {
  readonly events: NonEmptyReadonlyArray<EncodedEvent>
  readonly options: EventStorage.AppendOptions
  /** Tells the caller, or who waits for the end after an interruption. */
  resume: (exit: Exit.Exit<EventStorage.AppendResult, StorageError>) => void
}

/** The most events and bytes of one group. A call with more is a group of its own. */
const maxEvents = 500
const maxBytes = 1_000_000

/** The longest that a caller waits for the database. */
const limit = "5 seconds"

const refused: EventStorage.AppendResult = { _tag: "Refused" }
const onCommit: EventStorage.AppendResult = { _tag: "AcceptedOnCommit" }
const accepted: EventStorage.AppendResult = { _tag: "Accepted", evicted: [] }

const failure = (message: string) => new StorageError({ operation: "append", message: `append: ${message}` })

/** What an append outside transactions needs. */
interface Outside {
  readonly evict: (keep: number) => Effect.Effect<ReadonlyArray<EncodedEvent>, StorageError>
  /** Called with events whose append failed, and that may be stored all the same. */
  readonly retract: (rows: ReadonlyArray<NewRow>) => void
}

export const make = (
  database: Database,
  capacity: Capacity,
  options: Outside & {
    /** Called when events were stored in a transaction that may commit later. */
    readonly onTransaction: () => void
  }
): Effect.Effect<EventStorage.Service["append"], never, Scope.Scope> =>
  Effect.gen(function*() {
    const connectionOf = yield* Transactions.make(database.client)
    const group = yield* makeGroups(database, capacity, options)
    const inTransaction = makeInTransaction(database, capacity, options.onTransaction)
    return (events, appendOptions) =>
      Effect.contextWithEffect((context) =>
        Option.match(connectionOf(context), {
          onNone: () => group(events, appendOptions),
          onSome: (connection) => inTransaction(connection, events, appendOptions)
        })
      )
  })

// -- outside transactions --------------------------------------------------------------------------------------------

const makeGroups = (
  database: Database,
  capacity: Capacity,
  outside: Outside
): Effect.Effect<EventStorage.Service["append"], never, Scope.Scope> =>
  Effect.gen(function*() {
    let waiting: Array<Appending> = []
    let isClosed = false
    const arrived = Effect.unsafeMakeLatch(false)

    /** Ends those that are left when the storage closes. */
    yield* Effect.addFinalizer(() =>
      Effect.suspend(() => {
        isClosed = true
        const left = waiting
        waiting = []
        for (const { resume } of left) resume(Exit.fail(failure("the storage is closed")))
        return Effect.void
      })
    )

    const next = Effect.zipRight(
      // the fibers that are ready as well join the group
      Effect.zipRight(arrived.await, Effect.yieldNow()),
      Effect.suspend(() => {
        const group = takeGroup(waiting)
        waiting = waiting.slice(group.length)
        if (waiting.length === 0) arrived.unsafeClose()
        return commit(database, capacity, outside, group)
      })
    )
    yield* Effect.forkScoped(Effect.interruptible(Effect.forever(next)))

    return (events, options) =>
      Effect.suspend(() => {
        if (isClosed) return Effect.fail(failure("the storage is closed"))
        return Effect.async<EventStorage.AppendResult, StorageError>((resume) => {
          const appending: Appending = { events, options, resume }
          waiting.push(appending)
          arrived.unsafeOpen()
          return Effect.async<void>((resume) => {
            const others = waiting.filter((other) => other !== appending)
            const isUnderWay = others.length === waiting.length
            waiting = others
            // it is decided soon whether the events are stored
            if (isUnderWay) appending.resume = () => resume(Effect.void)
            else resume(Effect.void)
          })
        })
      })
  })

const takeGroup = (waiting: ReadonlyArray<Appending>): ReadonlyArray<Appending> => {
  let events = 0
  let bytes = 0
  const end = waiting.findIndex((appending, place) => {
    events += appending.events.length
    for (const event of appending.events) bytes += event.end - event.start
    return place > 0 && (events > maxEvents || bytes > maxBytes)
  })
  return end < 0 ? waiting : waiting.slice(0, end)
}

/** Stores a group, and tells each caller. */
const commit = (
  database: Database,
  capacity: Capacity,
  { evict, retract }: Outside,
  group: ReadonlyArray<Appending>
): Effect.Effect<void> =>
  Effect.uninterruptible(Effect.suspend(() => {
    if (group.length === 0) return Effect.void
    const most = group.reduce((most, { options }) => Math.max(most, options.capacity), 0)
    return capacity.refresh(most).pipe(
      Effect.zipRight(Effect.suspend(() => {
        const room = admit(group, Option.getOrElse(capacity.estimate(), () => 0))
        const rows = room.admitted.flatMap(({ events }) => events.map(rowOf))
        if (rows.length === 0) return Effect.succeed({ ...room, evicted: [] as ReadonlyArray<EncodedEvent> })
        return Effect.flatMap(Effect.tapError(insert(database, rows), () => Effect.sync(() => retract(rows))), () => {
          capacity.add(rows.length)
          return room.keep === undefined
            ? Effect.succeed({ ...room, evicted: [] as ReadonlyArray<EncodedEvent> })
            // the events are stored: what cannot be evicted now is evicted by the next append
            : Effect.map(Effect.orElseSucceed(evict(room.keep), () => []), (evicted) => ({ ...room, evicted }))
        })
      })),
      Effect.exit,
      Effect.map((exit) => {
        const resultOf = resultsOf(exit)
        for (const appending of group) appending.resume(resultOf(appending))
      })
    )
  }))

interface Admission {
  readonly admitted: ReadonlyArray<Appending>
  /** How many events stay at the most; undefined where nothing is evicted. */
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

/** What was evicted is told to the first caller who had it evicted. */
const resultsOf = (
  exit: Exit.Exit<Admission & { readonly evicted: ReadonlyArray<EncodedEvent> }, StorageError>
): (appending: Appending) => Exit.Exit<EventStorage.AppendResult, StorageError> => {
  if (Exit.isFailure(exit)) return () => Exit.failCause(exit.cause)
  const { admitted, evicted } = exit.value
  const isAdmitted = new Set(admitted)
  const teller = evicted.length === 0 ? undefined : admitted.find(({ options }) => options.whenFull === "evictOldest")
  return (appending) =>
    Exit.succeed(
      !isAdmitted.has(appending) ? refused : appending === teller ? { _tag: "Accepted", evicted } : accepted
    )
}

const insert = (database: Database, rows: ReadonlyArray<NewRow>): Effect.Effect<void, StorageError> => {
  const { dialect } = database
  const statements = dialect.insertsAtOnce(rows.length) ? run : transaction
  return within("append", limit)(
    Effect.asVoid(statements(database, "append", (sql, tables) => dialect.insert(sql, tables, rows)))
  )
}

// -- inside a transaction of the caller ------------------------------------------------------------------------------

/** Fibers of one transaction share its connection: one savepoint at a time, or they undo each other. */
const turns = new WeakMap<Connection, Effect.Semaphore>()

const turnOf = (connection: Connection): Effect.Semaphore => {
  const turn = turns.get(connection) ?? Effect.unsafeMakeSemaphore(1)
  turns.set(connection, turn)
  return turn
}

/** Names of savepoints are used once. */
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
