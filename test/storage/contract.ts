/**
 * The contract of every storage, as one suite. `storageContract(name, subject)` tests a storage.
 *
 * Environment: `STORAGE_CONTRACT_RUNS` is the number of random sequences that are compared with the model, and
 * `STORAGE_CONTRACT_SEED` the seed of the first one.
 */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, FastCheck, Fiber, Option, Queue, Scope, Stream } from "effect"
import type { EventStorage } from "effect-amplitude/EventStorage"
import type { NonEmptyReadonlyArray } from "effect/Array"

type Event = EventStorage.EncodedEvent
type Lease = EventStorage.Lease

/** One client of a storage. */
export interface Connection {
  readonly storage: EventStorage.Service
  /** Freezes the client as SIGSTOP and SIGKILL do: it does not reach the storage any more, and returns no lease. */
  readonly freeze: Effect.Effect<void>
  /** Resumes the client as SIGCONT does. */
  readonly thaw: Effect.Effect<void>
}

export interface Subject {
  /** Whether time passes by `TestClock.adjust`, or by itself. */
  readonly clock: "test" | "live"
  /** Lets time pass, in milliseconds. */
  readonly wait: (millis: number) => Effect.Effect<void>
  readonly durability: EventStorage.Service["durability"]
  /** Whether the capacity is exact for several clients, or for a client that is alone. */
  readonly capacity: "exact" | "soft"
  /** How long the leases of a client outlive it, in milliseconds. Undefined if events end with their client. */
  readonly leaseDuration: number | undefined
  /**
   * An empty storage that nothing else uses. The result connects a new client, as another process would, and closes it
   * with its scope.
   */
  readonly make: Effect.Effect<Effect.Effect<Connection, unknown, Scope.Scope>, unknown, Scope.Scope>
  /** The default number of random sequences that are compared with the model. */
  readonly runs: number
  /** The most that one test may take, in milliseconds. */
  readonly timeout?: number | undefined
}

export interface EventFields {
  readonly clientId?: string
  readonly lane?: string
  readonly json?: string
  readonly attempts?: number
  readonly retries?: number
}

const encoder = new TextEncoder()
const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

export const eventOf = (sequence: number, fields: EventFields = {}): Event => {
  const { attempts = 0, clientId = "client", lane = "a", retries = 0 } = fields
  const buffer = encoder.encode(fields.json ?? JSON.stringify({ sequence, clientId }))
  return { clientId, sequence, lane, buffer, start: 0, end: buffer.length, attempts, retries }
}

/** A deep copy: storages must identify events by their fields, not by the object. */
export const copyOf = (event: Event): Event => ({ ...event, buffer: event.buffer.slice() })

export const jsonOf = ({ buffer, end, start }: Event): string => decoder.decode(buffer.subarray(start, end))

const sizeOf = ({ end, start }: Event): number => end - start + 1

const plain = (event: Event) => ({
  clientId: event.clientId,
  sequence: event.sequence,
  lane: event.lane,
  json: jsonOf(event),
  attempts: event.attempts,
  retries: event.retries
})

/** Short for an event: its lane and its sequence. */
const nameOf = ({ lane, sequence }: Event): string => `${lane}${sequence}`

const namesOf = (events: ReadonlyArray<Event>): ReadonlyArray<string> => events.map(nameOf)

const sorted = (names: ReadonlyArray<string>): ReadonlyArray<string> => [...names].sort()

/** Order is promised within a lane: the names by lane, the lanes by name. */
const byLane = (names: ReadonlyArray<string>): ReadonlyArray<ReadonlyArray<string>> =>
  [...new Set(names.map((name) => name[0]))].sort().map((lane) => names.filter((name) => name[0] === lane))

const roomy: EventStorage.AppendOptions = { capacity: 1_000_000, whenFull: "refuse" }
const all: EventStorage.LeaseOptions = { maxEvents: 1000, maxBytes: 10_000_000 }
const asItWas: EventStorage.ReleaseOptions = { notBefore: 0, attempts: 0, retries: 0 }
const hour = 3_600_000

/** Appends events that are written as their names: the lane, and the sequence. */
const append = (
  { storage }: Connection,
  names: ReadonlyArray<string>,
  options: EventStorage.AppendOptions = roomy,
  clientId?: string
) =>
  storage.append(
    names.map((name) =>
      eventOf(Number(name.slice(1)), { lane: name[0]!, ...(clientId === undefined ? {} : { clientId }) })
    ) as unknown as NonEmptyReadonlyArray<Event>,
    options
  )

const lease = ({ storage }: Connection, options: Partial<EventStorage.LeaseOptions> = {}) =>
  storage.lease({ ...all, ...options })

/** A lease that has to be there. */
const leased = (connection: Connection, options: Partial<EventStorage.LeaseOptions> = {}) =>
  Effect.map(lease(connection, options), Option.getOrThrowWith(() => new Error("expected events to lease")))

/** Leases events until the scope closes, and gives their names. */
const take = (connection: Connection, options: Partial<EventStorage.LeaseOptions> = {}) =>
  Effect.map(lease(connection, options), namesOfLease)

const namesOfLease = (lease: Option.Option<Lease>): ReadonlyArray<string> =>
  Option.match(lease, { onNone: () => [], onSome: ({ events }) => namesOf(events) })

/** Gives the names of the events that can be leased, and returns them at once. */
const available = (connection: Connection, options: Partial<EventStorage.LeaseOptions> = {}) =>
  Effect.scoped(take(connection, options))

const pick = ({ events }: Lease, ...names: ReadonlyArray<string>): ReadonlyArray<Event> =>
  names.map((name) => events.find((event) => nameOf(event) === name)!)

/** Acknowledges all events that can be leased, with as many leases as needed. */
const drain = (connection: Connection): Effect.Effect<ReadonlyArray<Event>, unknown> =>
  Effect.flatMap(
    Effect.scoped(Effect.flatMap(
      lease(connection, { includePaused: true }),
      Option.match({
        onNone: () => Effect.succeed<ReadonlyArray<Event>>([]),
        onSome: ({ acknowledge, events }) => acknowledge(events)
      })
    )),
    (events) =>
      events.length === 0 ? Effect.succeed(events) : Effect.map(drain(connection), (rest) => [...events, ...rest])
  )

export const storageContract = (name: string, subject: Subject): void => {
  const { wait } = subject
  const timeout = subject.timeout ?? 30_000

  const test = (
    title: string,
    body: (connect: Effect.Effect<Connection, unknown, Scope.Scope>) => Effect.Effect<void, unknown, Scope.Scope>
  ) => {
    const run = () => Effect.scoped(Effect.flatMap(subject.make, body))
    if (subject.clock === "test") it.effect(title, run, timeout)
    else it.live(title, run, timeout)
  }

  /** Lets time pass until a condition is true. */
  const eventually = <A, E, R>(
    effect: Effect.Effect<A, E, R>,
    isSo: (value: A) => boolean,
    { limit = 10_000, step = 20 } = {}
  ): Effect.Effect<A, E, R> =>
    Effect.flatMap(effect, (value) =>
      isSo(value) || limit <= 0
        ? Effect.succeed(value)
        : Effect.zipRight(wait(step), eventually(effect, isSo, { limit: limit - step, step })))

  /** Releases with a pause of that many milliseconds from now. */
  const pause = (lease: Lease, events: ReadonlyArray<Event>, millis: number) =>
    Effect.flatMap(
      Clock.currentTimeMillis,
      (now) => lease.release(events, { notBefore: now + millis, attempts: 1, retries: 1 })
    )

  describe(`${name}: the contract of storages`, () => {
    test("says how long its events live", (connect) =>
      Effect.map(connect, ({ storage }) => assert.strictEqual(storage.durability, subject.durability)))

    describe("append", () => {
      const handedOutAsAppended =
        (calls: "one call for each" | "one call", more: ReadonlyArray<string> = []) =>
        (connect: Effect.Effect<Connection, unknown, Scope.Scope>) =>
          Effect.gen(function*() {
            const connection = yield* connect
            const { storage } = connection
            const texts = [
              "{}",
              `{"text":"äöü 漢字 😀"}`,
              JSON.stringify({
                quote: "\"",
                backslash: "\\",
                zero: "\u0000",
                line: "\n\u2028",
                half: "\ud800",
                dollar: "$1 ?"
              }),
              `{"long":"${"x".repeat(100_000)}"}`,
              "\ufeff1",
              ...more
            ]
            const lanes = [
              "",
              "a",
              "A",
              "a ",
              "user's \"name\" \\ \\n",
              "\u0000",
              "😀漢字",
              "x".repeat(1024),
              "ä",
              "a\u0308",
              "%_?$1"
            ]
            const events = [
              ...texts.map((json, index) => eventOf(index + 1, { json, lane: `text ${index}` })),
              ...lanes.map((lane, index) => eventOf(100 + index, { lane, clientId: "another client" })),
              eventOf(Number.MAX_SAFE_INTEGER, { attempts: 3, retries: 2, clientId: "a third" })
            ]
            const groups = calls === "one call" ? [events] : events.map((event) => [event])
            for (const group of groups) {
              assert.deepStrictEqual(
                yield* storage.append(group as unknown as NonEmptyReadonlyArray<Event>, roomy),
                accepted
              )
            }
            const { events: handedOut } = yield* leased(connection)
            assert.deepStrictEqual(handedOut.map(plain), events.map(plain))
          })

      test("what was appended is handed out in order, as it was", handedOutAsAppended("one call for each"))

      test("what was appended in one call is handed out in order, as it was", handedOutAsAppended("one call"))

      test(
        "a control character that JSON would escape is handed out as it was",
        handedOutAsAppended("one call", ["\"\u001f\""])
      )

      test("events of one append are handed out in their order", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          const names = Array.from({ length: 1000 }, (_, index) => `${"abcdefg"[index % 7]}${index}`)
          assert.deepStrictEqual(yield* append(connection, names.slice(0, 600)), accepted)
          assert.deepStrictEqual(yield* append(connection, names.slice(600)), accepted)
          assert.deepStrictEqual(yield* take(connection), names)
        }))

      test("events are taken from a buffer that they share with others", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          const buffer = encoder.encode(`["first","zwölf","third"]`)
          const bounds = [[1, 8], [9, 17], [18, 25]] as const
          const events = bounds.map(([start, end], index) => ({ ...eventOf(index), buffer, start, end }))
          yield* connection.storage.append(events as unknown as NonEmptyReadonlyArray<Event>, roomy)
          const { events: handedOut } = yield* leased(connection)
          assert.deepStrictEqual(handedOut.map(jsonOf), [`"first"`, `"zwölf"`, `"third"`])
        }))

      test("events that lie side by side in one buffer have a comma between them", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          yield* append(connection, ["a1", "b2", "a3", "c4", "b5", "a6"])
          const { events } = yield* leased(connection)
          for (const [index, event] of events.entries()) {
            const next = events[index + 1]
            if (next?.buffer === event.buffer && next.start === event.end + 1) {
              assert.strictEqual(event.buffer[event.end], ",".charCodeAt(0))
            }
          }
        }))

      test("bytes that are no text are stored as they are, or refused alone", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          const { storage } = connection
          const cases = [[0], [0xff, 0xfe], [0xff, 0x1f], [0xed, 0xa0, 0x80], [0xef, 0xbf, 0xbd, 0xff], [0xc3]]
          for (const [index, bytes] of cases.entries()) {
            const buffer = Uint8Array.from([0x61, ...bytes, 0x62])
            const odd: Event = { ...eventOf(index * 2), buffer, start: 1, end: buffer.length - 1 }
            const [isStored, plainly] = yield* Effect.all([
              Effect.map(Effect.exit(storage.append([odd], roomy)), Exit.isSuccess),
              append(connection, [`a${index * 2 + 1}`])
            ], { concurrency: "unbounded" })
            assert.deepStrictEqual(plainly, accepted)
            const events = yield* drain(connection)
            assert.deepStrictEqual(
              events.map(({ buffer, end, start }) => Array.from(buffer.subarray(start, end))),
              [...(isStored ? [bytes] : []), Array.from(encoder.encode(jsonOf(eventOf(index * 2 + 1))))]
            )
          }
        }))

      test("refuse takes all events of a call, or none", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          const { storage } = connection
          const full: EventStorage.AppendOptions = { capacity: 3, whenFull: "refuse" }
          assert.deepStrictEqual(yield* append(connection, ["a1", "b2", "c3", "d4"], full), { _tag: "Refused" })
          assert.strictEqual(yield* storage.count(), 0)
          assert.deepStrictEqual(yield* append(connection, ["a1", "b2"], full), accepted)
          assert.deepStrictEqual(yield* append(connection, ["a3", "c4"], full), { _tag: "Refused" })
          assert.strictEqual(yield* storage.count(), 2)
          assert.deepStrictEqual(yield* append(connection, ["a5"], full), accepted)
          assert.deepStrictEqual(yield* append(connection, ["a6"], full), { _tag: "Refused" })
          assert.deepStrictEqual(yield* available(connection), ["a1", "b2", "a5"])
        }))

      test("room that an acknowledge makes can be used at once", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          const full: EventStorage.AppendOptions = { capacity: 2, whenFull: "refuse" }
          yield* append(connection, ["a1", "b2"], full)
          const lease = yield* leased(connection)
          assert.deepStrictEqual(yield* append(connection, ["c3"], full), { _tag: "Refused" })
          yield* lease.acknowledge(pick(lease, "a1"))
          assert.deepStrictEqual(yield* append(connection, ["c4"], full), accepted)
          assert.deepStrictEqual(yield* append(connection, ["c5"], full), { _tag: "Refused" })
        }))

      test("evictOldest drops the oldest events that are not leased", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          const full: EventStorage.AppendOptions = { capacity: 4, whenFull: "evictOldest" }
          assert.deepStrictEqual(yield* append(connection, ["a1", "b2", "a3"], full), accepted)
          assert.deepStrictEqual(yield* take(connection, { maxEvents: 1 }), ["a1"])
          assert.deepStrictEqual(yield* append(connection, ["c4"], full), accepted)
          assert.deepStrictEqual(yield* evictedBy(append(connection, ["c5", "c6"], full)), ["a3", "b2"])
          assert.strictEqual(yield* connection.storage.count(), 4)
          assert.deepStrictEqual(yield* evictedBy(append(connection, ["d7"], full)), ["c4"])
          assert.deepStrictEqual(yield* available(connection), ["c5", "c6", "d7"])
        }))

      test("evictOldest answers what it dropped as it was", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          const full: EventStorage.AppendOptions = { capacity: 1, whenFull: "evictOldest" }
          const first = eventOf(1, { json: `{"text":"äöü"}`, lane: "ä", clientId: "one", attempts: 1, retries: 2 })
          yield* connection.storage.append([first], full)
          const result = yield* connection.storage.append([eventOf(1, { clientId: "other" })], full)
          assert.strictEqual(result._tag, "Accepted")
          assert.deepStrictEqual(result._tag === "Accepted" ? result.evicted.map(plain) : [], [plain(first)])
        }))

      test("evictOldest drops new events where there is nothing older", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          const full: EventStorage.AppendOptions = { capacity: 2, whenFull: "evictOldest" }
          assert.deepStrictEqual(yield* evictedBy(append(connection, ["a1", "b2", "c3"], full)), ["a1"])
          assert.deepStrictEqual(yield* take(connection), ["b2", "c3"])
          assert.deepStrictEqual(yield* evictedBy(append(connection, ["d4", "d5"], full)), ["d4", "d5"])
          assert.strictEqual(yield* connection.storage.count(), 2)
        }))

      test("evictOldest drops what was released in its old place", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          const full: EventStorage.AppendOptions = { capacity: 4, whenFull: "evictOldest" }
          yield* append(connection, ["a1", "b2", "c3"], full)
          const lease = yield* leased(connection, { maxEvents: 2 })
          yield* append(connection, ["d4"], full)
          yield* pause(lease, pick(lease, "b2"), hour)
          yield* lease.release(pick(lease, "a1"), asItWas)
          assert.deepStrictEqual(yield* evictedBy(append(connection, ["e5"], full)), ["a1"])
          assert.deepStrictEqual(yield* evictedBy(append(connection, ["e6"], full)), ["b2"])
          assert.deepStrictEqual(yield* evictedBy(append(connection, ["e7"], full)), ["c3"])
          assert.deepStrictEqual(yield* available(connection), ["d4", "e5", "e6", "e7"])
        }))

      test("appends of many fibers are all taken, each fiber's in order", (connect) =>
        Effect.gen(function*() {
          const connections = [yield* connect, yield* connect]
          const fibers = Array.from({ length: 20 }, (_, index) => String.fromCharCode(97 + index))
          yield* Effect.forEach(fibers, (lane, fiber) =>
            Effect.forEach(
              Array.from({ length: 10 }, (_, index) => index),
              (index) => append(connections[fiber % 2]!, [`${lane}${index}`], roomy, lane),
              { discard: true }
            ), {
            concurrency: "unbounded",
            discard: true
          })
          const names = yield* take(connections[0]!)
          assert.deepStrictEqual(
            byLane(names),
            fibers.map((lane) => Array.from({ length: 10 }, (_, index) => `${lane}${index}`))
          )
        }))
    })

    describe("lease", () => {
      test("gives none where there is nothing, and where no event is asked for", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          assert.isTrue(Option.isNone(yield* lease(connection)))
          yield* append(connection, ["a1"])
          assert.isTrue(Option.isNone(yield* lease(connection, { maxEvents: 0 })))
          assert.deepStrictEqual(yield* take(connection), ["a1"])
          assert.isTrue(Option.isNone(yield* lease(connection)))
        }))

      test("passes over the lanes that have a leased event", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          yield* append(connection, ["a1", "b2", "a3", "a4", "b5"])
          const first = yield* leased(connection, { maxEvents: 1 })
          assert.deepStrictEqual(namesOf(first.events), ["a1"])
          const second = yield* leased(connection)
          assert.deepStrictEqual(namesOf(second.events), ["b2", "b5"])
          yield* append(connection, ["a6", "c7"])
          assert.deepStrictEqual(yield* take(connection), ["c7"])
          yield* first.acknowledge(first.events)
          assert.deepStrictEqual(yield* available(connection), ["a3", "a4", "a6"])
        }))

      test("a lane is free once its last leased event is settled, whatever else the lease holds", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          yield* append(connection, ["a1", "b2", "a3", "c4"])
          const lease = yield* leased(connection)
          yield* append(connection, ["a5", "b6", "c7"])
          yield* lease.acknowledge(pick(lease, "a1"))
          assert.deepStrictEqual(yield* available(connection), [])
          yield* lease.acknowledge(pick(lease, "a3"))
          assert.deepStrictEqual(yield* available(connection), ["a5"])
          yield* lease.release(pick(lease, "b2"), asItWas)
          assert.deepStrictEqual(byLane(yield* available(connection)), [["a5"], ["b2", "b6"]])
        }))

      test("hands out no more events and bytes than it may", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          const texts = [`"abc"`, `"äöü"`, `"漢字"`, `"😀"`]
          const events = texts.map((json, index) => eventOf(index, { json, lane: String(index) }))
          yield* connection.storage.append(events as unknown as NonEmptyReadonlyArray<Event>, roomy)
          for (let taken = 1; taken <= texts.length; taken++) {
            const maxBytes = events.slice(0, taken).reduce((sum, event) => sum + sizeOf(event), 0)
            const count = (options: Partial<EventStorage.LeaseOptions>) =>
              Effect.map(available(connection, options), ({ length }) => length)
            assert.strictEqual(yield* count({ maxBytes }), taken)
            assert.strictEqual(yield* count({ maxBytes: maxBytes - 1 }), Math.max(1, taken - 1))
            assert.strictEqual(yield* count({ maxEvents: taken }), taken)
          }
        }))

      test("hands out everything that is free where there is no limit", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          yield* append(connection, ["a1", "b2", "a3", "c4"])
          assert.deepStrictEqual(
            yield* available(connection, { maxEvents: Infinity, maxBytes: Infinity, includePaused: true }),
            ["a1", "b2", "a3", "c4"]
          )
        }))

      test("a first event is handed out whatever its size, alone", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          yield* append(connection, ["a1", "b2"])
          assert.deepStrictEqual(yield* take(connection, { maxBytes: 0 }), ["a1"])
          assert.deepStrictEqual(yield* take(connection, { maxBytes: 1 }), ["b2"])
        }))

      test("a pause holds back its lane and nobody else's, until its time", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          yield* append(connection, ["a1", "b2", "a3"])
          const lease = yield* leased(connection)
          const millis = 500
          const start = yield* Clock.currentTimeNanos
          yield* pause(lease, pick(lease, "a1", "a3"), millis)
          yield* lease.acknowledge(pick(lease, "b2"))
          yield* append(connection, ["a4", "b5"])
          assert.deepStrictEqual(byLane(yield* available(connection)).at(-1), ["b5"])
          const names = yield* eventually(available(connection), ({ length }) => length > 1)
          const passed = Number((yield* Clock.currentTimeNanos) - start) / 1e6
          assert.deepStrictEqual(byLane(names), [["a1", "a3", "a4"], ["b5"]])
          // a database may count in whole milliseconds
          assert.isAtLeast(passed, millis - 2)
        }))

      test("a pause in the middle of a lane holds back what is later alone", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          yield* append(connection, ["a1", "a2", "a3"])
          const lease = yield* leased(connection)
          yield* lease.release(pick(lease, "a1"), asItWas)
          yield* pause(lease, pick(lease, "a2"), hour)
          yield* lease.release(pick(lease, "a3"), asItWas)
          assert.deepStrictEqual(yield* available(connection), ["a1"])
          yield* Effect.scoped(Effect.flatMap(leased(connection), ({ acknowledge, events }) => acknowledge(events)))
          assert.deepStrictEqual(yield* available(connection), [])
          assert.deepStrictEqual(yield* available(connection, { includePaused: true }), ["a2", "a3"])
        }))

      test("a pause that is over already is none", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          yield* append(connection, ["a1"])
          const lease = yield* leased(connection)
          yield* pause(lease, lease.events, -1000)
          assert.deepStrictEqual(yield* available(connection), ["a1"])
        }))

      test("includePaused hands out what is paused, not what is leased", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          yield* append(connection, ["a1", "b2", "a3", "b4"])
          const lease = yield* leased(connection)
          yield* pause(lease, pick(lease, "a1"), hour)
          yield* lease.release(pick(lease, "a3"), asItWas)
          assert.deepStrictEqual(yield* available(connection), [])
          const paused = yield* leased(connection, { includePaused: true })
          assert.deepStrictEqual(namesOf(paused.events), ["a1", "a3"])
          assert.deepStrictEqual(paused.events.map(({ attempts, retries }) => [attempts, retries]), [[1, 1], [0, 0]])
        }))

      test("what includePaused handed out and gives back is paused as it was", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          yield* append(connection, ["a1"])
          const lease = yield* leased(connection)
          yield* pause(lease, lease.events, hour)
          assert.deepStrictEqual(yield* available(connection, { includePaused: true }), ["a1"])
          assert.deepStrictEqual(yield* available(connection), [])
        }))
    })

    describe("acknowledge", () => {
      test("answers the events that were still ours, once", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          yield* append(connection, ["a1", "b2", "c3"])
          const lease = yield* leased(connection, { maxEvents: 2 })
          const [a1, b2] = lease.events
          const foreign = [eventOf(3, { lane: "c" }), eventOf(1, { clientId: "nobody" }), eventOf(99)]
          assert.deepStrictEqual(
            sorted(namesOf(yield* lease.acknowledge([b2!, foreign[0]!, a1, foreign[1]!, foreign[2]!, b2!]))),
            ["a1", "b2"]
          )
          assert.deepStrictEqual(yield* lease.acknowledge([a1, b2!]), [])
          assert.deepStrictEqual(yield* lease.acknowledge([]), [])
          assert.strictEqual(yield* connection.storage.count(), 1)
          assert.deepStrictEqual(yield* take(connection), ["c3"])
        }))

      test("knows an event by its client and sequence, not by the object", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          yield* connection.storage.append([eventOf(1, { clientId: "one" })], roomy)
          yield* connection.storage.append([eventOf(1, { clientId: "other" })], roomy)
          const lease = yield* leased(connection)
          const settled = yield* lease.acknowledge([copyOf(lease.events[1]!)])
          assert.deepStrictEqual(settled.map(({ clientId }) => clientId), ["other"])
          yield* lease.release([copyOf(lease.events[0])], { notBefore: 0, attempts: 1, retries: 0 })
          const { events } = yield* leased(connection)
          assert.deepStrictEqual(events.map(({ attempts, clientId }) => [clientId, attempts]), [["one", 1]])
        }))

      test("leaves the events of another lease alone", (connect) =>
        Effect.gen(function*() {
          const [one, other] = [yield* connect, yield* connect]
          yield* append(one, ["a1", "b2"])
          const first = yield* leased(one, { maxEvents: 1 })
          const second = yield* leased(other)
          assert.deepStrictEqual(yield* second.acknowledge(first.events), [])
          yield* second.release(first.events, { notBefore: 0, attempts: 5, retries: 5 })
          assert.deepStrictEqual(yield* available(one), [])
          assert.deepStrictEqual(namesOf(yield* first.acknowledge(first.events)), ["a1"])
          assert.deepStrictEqual(namesOf(yield* second.acknowledge(second.events)), ["b2"])
        }))
    })

    describe("release", () => {
      test("adds attempts and retries, and gives events back to their places", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          yield* append(connection, ["a1", "b2", "a3", "c4", "b5"])
          const first = yield* leased(connection)
          yield* append(connection, ["a6", "d7"])
          yield* first.release(first.events, { notBefore: 0, attempts: 3, retries: 2 })
          const second = yield* leased(connection)
          assert.deepStrictEqual(byLane(namesOf(second.events)), [["a1", "a3", "a6"], ["b2", "b5"], ["c4"], ["d7"]])
          for (const { attempts, retries, sequence } of second.events) {
            assert.deepStrictEqual([attempts, retries], sequence < 6 ? [3, 2] : [0, 0])
          }
          yield* second.release(pick(second, "a1"), { notBefore: 0, attempts: 1, retries: 0 })
          yield* second.release(pick(second, "a3", "a6"), asItWas)
          const third = yield* leased(connection)
          assert.deepStrictEqual(third.events.map(({ attempts, retries }) => [attempts, retries]), [[4, 2], [3, 2], [
            0,
            0
          ]])
        }))

      test("in parts and out of order, each lane keeps its order", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          yield* append(connection, ["a1", "a2", "a3", "b4", "a5"])
          const lease = yield* leased(connection)
          yield* lease.release(pick(lease, "a3"), asItWas)
          yield* lease.release(pick(lease, "a5", "b4"), asItWas)
          yield* lease.release(pick(lease, "a1"), asItWas)
          assert.deepStrictEqual(yield* available(connection), ["b4"])
          yield* lease.release(pick(lease, "a2"), asItWas)
          assert.deepStrictEqual(byLane(yield* available(connection)), [["a1", "a2", "a3", "a5"], ["b4"]])
        }))

      test("of what is not ours does nothing", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          yield* append(connection, ["a1", "b2"])
          const lease = yield* leased(connection, { maxEvents: 1 })
          const { events } = lease
          yield* pause(lease, [eventOf(2, { lane: "b" }), eventOf(99)], hour)
          yield* lease.acknowledge(events)
          yield* lease.release(events, asItWas)
          assert.strictEqual(yield* connection.storage.count(), 1)
          const rest = yield* leased(connection)
          assert.deepStrictEqual(rest.events.map(plain), [plain(eventOf(2, { lane: "b" }))])
        }))

      test("twice adds once", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          yield* append(connection, ["a1"])
          const lease = yield* leased(connection)
          const options: EventStorage.ReleaseOptions = { notBefore: 0, attempts: 1, retries: 1 }
          yield* lease.release([lease.events[0], lease.events[0]], options)
          yield* lease.release(lease.events, options)
          assert.deepStrictEqual(yield* lease.acknowledge(lease.events), [])
          const { events } = yield* leased(connection)
          assert.deepStrictEqual(events.map(({ attempts, retries }) => [attempts, retries]), [[1, 1]])
        }))
    })

    describe("the scope of a lease", () => {
      test("gives back what was neither acknowledged nor released, as it was", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          yield* append(connection, ["a1", "b2", "a3", "c4"])
          yield* Effect.scoped(Effect.gen(function*() {
            const lease = yield* leased(connection)
            yield* append(connection, ["a5"])
            yield* lease.acknowledge(pick(lease, "b2"))
            yield* lease.release(pick(lease, "c4"), { notBefore: 0, attempts: 2, retries: 1 })
          }))
          const { events } = yield* leased(connection)
          assert.deepStrictEqual(byLane(namesOf(events)), [["a1", "a3", "a5"], ["c4"]])
          assert.deepStrictEqual(
            events.filter(({ lane }) => lane === "a").map(({ attempts, retries }) => [attempts, retries]),
            [[0, 0], [0, 0], [0, 0]]
          )
        }))

      test("ends the lease: nothing is ours afterwards", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          yield* append(connection, ["a1", "b2"])
          const closed = yield* Effect.scoped(leased(connection))
          assert.deepStrictEqual(yield* closed.acknowledge(closed.events), [])
          yield* pause(closed, closed.events, hour)
          const open = yield* leased(connection)
          assert.deepStrictEqual(open.events.map(({ attempts }) => attempts), [0, 0])
          assert.deepStrictEqual(yield* closed.acknowledge(closed.events), [])
          yield* pause(closed, closed.events, hour)
          assert.deepStrictEqual(namesOf(yield* open.acknowledge(open.events)), ["a1", "b2"])
        }))

      test("gives back after a failure and after a defect as well", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          yield* append(connection, ["a1"])
          yield* Effect.exit(Effect.scoped(Effect.zipRight(leased(connection), Effect.fail("failure"))))
          assert.deepStrictEqual(yield* available(connection), ["a1"])
          yield* Effect.exit(Effect.scoped(Effect.zipRight(leased(connection), Effect.die("defect"))))
          assert.deepStrictEqual(yield* available(connection), ["a1"])
        }))
    })

    describe("evict", () => {
      test("drops the oldest or the newest, never what is leased", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          const { storage } = connection
          yield* append(connection, ["a1", "b2", "c3", "a4", "b5", "c6", "d7", "e8"])
          assert.deepStrictEqual(yield* take(connection, { maxEvents: 1 }), ["a1"])
          assert.deepStrictEqual(yield* storage.evict({ keep: 8, from: "oldest" }), [])
          assert.deepStrictEqual(sorted(namesOf(yield* storage.evict({ keep: 6, from: "oldest" }))), ["b2", "c3"])
          assert.deepStrictEqual(sorted(namesOf(yield* storage.evict({ keep: 4, from: "newest" }))), ["d7", "e8"])
          assert.strictEqual(yield* storage.count(), 4)
          assert.deepStrictEqual(yield* available(connection), ["b5", "c6"])
          assert.deepStrictEqual(sorted(namesOf(yield* storage.evict({ keep: 0, from: "newest" }))), ["a4", "b5", "c6"])
          assert.deepStrictEqual(yield* storage.evict({ keep: 0, from: "oldest" }), [])
          assert.strictEqual(yield* storage.count(), 1)
        }))

      test("drops what was released, parked or paused in its place", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          const { storage } = connection
          yield* append(connection, ["a1", "b2", "c3", "a4"])
          const lease = yield* leased(connection, { maxEvents: 3 })
          yield* pause(lease, pick(lease, "a1"), hour)
          yield* lease.release(pick(lease, "c3"), asItWas)
          assert.deepStrictEqual(namesOf(yield* storage.evict({ keep: 3, from: "newest" })), ["a4"])
          assert.deepStrictEqual(namesOf(yield* storage.evict({ keep: 2, from: "newest" })), ["c3"])
          assert.deepStrictEqual(namesOf(yield* storage.evict({ keep: 1, from: "newest" })), ["a1"])
          assert.deepStrictEqual(namesOf(yield* lease.acknowledge(lease.events)), ["b2"])
          yield* append(connection, ["a5"])
          assert.deepStrictEqual(yield* available(connection), ["a5"])
        }))

      test("answers what it dropped as it was", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          const event = eventOf(7, { json: `{"text":"漢字"}`, lane: "ä", clientId: "one", attempts: 2, retries: 1 })
          yield* connection.storage.append([event], roomy)
          const evicted = yield* connection.storage.evict({ keep: 0, from: "oldest" })
          assert.deepStrictEqual(evicted.map(plain), [plain(event)])
        }))
    })

    describe("count", () => {
      test("counts all events, leased and paused ones included", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          const { storage } = connection
          assert.strictEqual(yield* storage.count(), 0)
          yield* append(connection, ["a1", "b2", "c3"])
          const lease = yield* leased(connection, { maxEvents: 2 })
          assert.strictEqual(yield* storage.count(), 3)
          yield* pause(lease, pick(lease, "a1"), hour)
          assert.strictEqual(yield* storage.count(), 3)
          yield* lease.acknowledge(pick(lease, "b2"))
          assert.strictEqual(yield* storage.count(), 2)
        }))

      test("counts those of one client up to a sequence", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          const { storage } = connection
          yield* append(connection, ["a1", "b2", "a3", "c4"], roomy, "one")
          yield* append(connection, ["a1", "b2"], roomy, "other")
          const of = (clientId: string, upTo: number) => storage.count({ clientId, upTo })
          assert.deepStrictEqual(
            yield* Effect.all([of("one", 3), of("one", 0), of("one", 100), of("other", 100), of("nobody", 100)]),
            [3, 0, 4, 2, 0]
          )
          const lease = yield* leased(connection, { maxEvents: 2 })
          yield* lease.acknowledge([lease.events[0]])
          yield* pause(lease, [lease.events[1]!], hour)
          assert.deepStrictEqual(yield* Effect.all([of("one", 1), of("one", 3), of("one", 100)]), [0, 2, 3])
        }))
    })

    describe("changes", () => {
      /** The number of changes that a client got. */
      const watch = ({ storage }: Connection) =>
        Effect.gen(function*() {
          const queue = yield* Queue.unbounded<void>()
          yield* Effect.forkScoped(Stream.runForEach(storage.changes, () => queue.offer(undefined)))
          yield* wait(50)
          return {
            clear: queue.takeAll,
            emitted: Effect.map(queue.takeAll, ({ length }) => length)
          }
        })

      test("tell of what another client does", (connect) =>
        Effect.gen(function*() {
          const [one, other] = [yield* connect, yield* connect]
          const watched = yield* watch(one)
          yield* watch(other)
          const isTold = (what: string) =>
            Effect.map(eventually(watched.emitted, (emitted) => emitted > 0), (emitted) =>
              assert.isAbove(emitted, 0, what))
          yield* append(one, ["z1"])
          yield* watched.clear
          yield* append(other, ["a1", "b2"])
          yield* isTold("events to lease")
          const lease = yield* leased(other)
          yield* wait(100)
          yield* watched.clear
          yield* lease.acknowledge(pick(lease, "a1"))
          yield* isTold("room")
          yield* wait(100)
          yield* watched.clear
          yield* lease.release(lease.events, asItWas)
          yield* isTold("events that were given back")
        }))

      test("do not spin", (connect) =>
        Effect.gen(function*() {
          const [one, other] = [yield* connect, yield* connect]
          const watched = yield* watch(one)
          yield* watch(other)
          yield* append(one, ["a1"])
          yield* append(other, ["b2"])
          yield* wait(200)
          yield* watched.clear
          yield* wait(1000)
          assert.isAtMost(yield* watched.emitted, 30)
        }))

      test("end with their subscriber", (connect) =>
        Effect.gen(function*() {
          const [one, other] = [yield* connect, yield* connect]
          const fiber = yield* Effect.fork(Stream.runDrain(one.storage.changes))
          yield* wait(50)
          const exit = yield* Fiber.interrupt(fiber)
          assert.isTrue(Exit.isInterrupted(exit))
          yield* append(other, ["a1"])
          assert.deepStrictEqual(yield* available(one), ["a1"])
        }))
    })

    describe("interruption", () => {
      const moments = Array.from({ length: 12 }, (_, index) => index)
      /** Interrupts an effect at one of its moments. */
      const interruptAt = <A, E>(effect: Effect.Effect<A, E>, moment: number) =>
        Effect.gen(function*() {
          const fiber = yield* Effect.fork(effect)
          if (subject.clock === "live" && moment > 3) yield* Effect.sleep((moment - 3) * 0.4)
          else yield* Effect.forEach(Array.from({ length: moment }), () => Effect.yieldNow(), { discard: true })
          return yield* Fiber.interrupt(fiber)
        })

      test("of append leaves all of the events, or none", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          for (const moment of moments) {
            const names = [`a${moment * 10}`, `b${moment * 10 + 1}`, `a${moment * 10 + 2}`]
            const exit = yield* interruptAt(append(connection, names), moment)
            const stored = namesOf(yield* drain(connection))
            if (Exit.isSuccess(exit)) assert.deepStrictEqual(stored, names)
            else assert.include([0, 3], stored.length)
            assert.deepStrictEqual(stored, names.slice(0, stored.length))
          }
        }))

      test("of lease loses no event and leaves no lease", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          const names = ["a1", "b2", "a3"]
          yield* append(connection, names)
          for (const moment of moments) {
            yield* interruptAt(Effect.scoped(Effect.zipRight(lease(connection), Effect.never)), moment)
            // a statement that the server was asked to give up may end a little later
            const left = yield* eventually(available(connection), ({ length }) => length === names.length, {
              limit: 2000
            })
            assert.deepStrictEqual(byLane(left), byLane(names))
          }
          assert.deepStrictEqual(byLane(namesOf(yield* drain(connection))), byLane(names))
        }))

      test("of acknowledge settles all of the events, or none", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          for (const moment of moments) {
            yield* append(connection, [`a${moment * 10}`, `b${moment * 10 + 1}`])
            yield* Effect.scoped(Effect.gen(function*() {
              const { acknowledge, events } = yield* leased(connection)
              const exit = yield* interruptAt(acknowledge(events), moment)
              if (Exit.isSuccess(exit)) assert.lengthOf(exit.value, 2)
            }))
            const count = yield* connection.storage.count()
            assert.include([0, 2], count)
            assert.lengthOf(yield* drain(connection), count)
          }
        }))

      test("of release gives the events back, changed or as they were", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          yield* append(connection, ["a1", "b2", "a3"])
          let attempts = 0
          for (const moment of moments) {
            const exit = yield* Effect.scoped(Effect.flatMap(leased(connection), ({ events, release }) =>
              interruptAt(release(events, { notBefore: 0, attempts: 1, retries: 0 }), moment)))
            const { events } = yield* Effect.scoped(leased(connection))
            assert.deepStrictEqual(byLane(namesOf(events)), [["a1", "a3"], ["b2"]])
            const added = events[0].attempts - attempts
            if (Exit.isSuccess(exit)) {
              assert.strictEqual(added, 1)
            } else assert.include([0, 1], added)
            attempts += added
            assert.isTrue(events.every((event) =>
              event.attempts === attempts
            ))
          }
        }))
    })

    describe("several clients", () => {
      test("never hold events of one lane at once, lose none, settle each once and in order", (connect) =>
        Effect.gen(function*() {
          const connections = yield* Effect.replicateEffect(connect, 3)
          const lanes = "abcdefgh"
          const perClient = 120
          const random = randomOf(7)
          const busy = new Map<string, number>()
          const settled: Array<Event> = []
          const isDone = () => settled.length === perClient * connections.length
          const produce = (connection: Connection, client: number) =>
            Effect.forEach(
              Array.from({ length: perClient / 4 }, (_, index) => index * 4),
              (sequence) =>
                connection.storage.append(
                  [0, 1, 2, 3].map((offset) =>
                    eventOf(sequence + offset, { clientId: `client-${client}`, lane: lanes[random(lanes.length)]! })
                  ) as unknown as NonEmptyReadonlyArray<Event>,
                  roomy
                ),
              { discard: true }
            )
          const consume = (connection: Connection, worker: number) =>
            Effect.scoped(Effect.gen(function*() {
              const found = yield* lease(connection, { maxEvents: 1 + random(8) })
              if (Option.isNone(found)) return yield* wait(5)
              const { acknowledge, events, release } = found.value
              for (const { lane } of events) {
                assert.include([undefined, worker], busy.get(lane), `lane ${lane}`)
                busy.set(lane, worker)
              }
              yield* wait(random(3))
              const part = events.slice(0, random(events.length + 1))
              // from here on another client can lease the released events
              for (const { lane } of events) busy.delete(lane)
              if (random(3) === 0) return yield* release(events, { notBefore: 0, attempts: 1, retries: 0 })
              settled.push(...(yield* acknowledge(part)))
            })).pipe(Effect.repeat({ until: isDone }))
          yield* Effect.all([
            Effect.forEach(connections, produce, { concurrency: "unbounded", discard: true }),
            Effect.forEach([...connections, ...connections], consume, { concurrency: "unbounded", discard: true })
          ], { concurrency: "unbounded" })
          const identities = settled.map(({ clientId, sequence }) => `${clientId} ${sequence}`)
          assert.strictEqual(new Set(identities).size, perClient * connections.length)
          for (const { clientId } of new Map(settled.map((event) => [event.clientId, event])).values()) {
            for (const lane of lanes) {
              const sequences = settled.filter((event) => event.clientId === clientId && event.lane === lane)
                .map(({ sequence }) => sequence)
              assert.deepStrictEqual(sequences, [...sequences].sort((one, other) => one - other), `${clientId} ${lane}`)
            }
          }
          assert.strictEqual(yield* connections[0]!.storage.count(), 0)
        }))

      test("use one storage without disturbing each other", (connect) =>
        Effect.gen(function*() {
          const [one, other] = [yield* connect, yield* connect]
          yield* append(one, ["a1", "b2"], roomy, "one")
          yield* append(other, ["a1", "c2"], roomy, "other")
          const first = yield* leased(one, { maxEvents: 1 })
          const second = yield* leased(other)
          assert.deepStrictEqual(namesOf(first.events), ["a1"])
          assert.deepStrictEqual(second.events.map(({ clientId, lane }) => `${clientId} ${lane}`), ["one b", "other c"])
          yield* first.acknowledge(first.events)
          yield* second.acknowledge(second.events)
          const { events } = yield* leased(one)
          assert.deepStrictEqual(events.map(({ clientId, sequence }) => [clientId, sequence]), [["other", 1]])
        }))
    })

    test("the bytes of an event never change", (connect) =>
      Effect.gen(function*() {
        const connection = yield* connect
        const seen: Array<readonly [Event, string]> = []
        const see = (event: Event) => {
          seen.push([event, jsonOf(event)])
        }
        for (let round = 0; round < 20; round++) {
          const json = (index: number) =>
            `{"round":${round},"index":${index},"text":"${"é".repeat(round * 7 + index)}"}`
          const events = Array.from(
            { length: 20 },
            (_, index) => eventOf(round * 100 + index, { lane: "abc"[index % 3]!, json: json(index) })
          )
          events.forEach(see)
          yield* connection.storage.append(events as unknown as NonEmptyReadonlyArray<Event>, roomy)
          yield* Effect.scoped(Effect.gen(function*() {
            const { acknowledge, events, release } = yield* leased(connection, { maxEvents: 15 })
            events.forEach(see)
            yield* acknowledge(events.slice(0, 5))
            yield* release(events.slice(5, 9), { notBefore: 0, attempts: 1, retries: 1 })
          }))
          if (round % 5 === 4) (yield* connection.storage.evict({ keep: 30, from: "oldest" })).forEach(see)
        }
        for (const [event, json] of seen) assert.strictEqual(jsonOf(event), json)
      }))

    if (subject.leaseDuration !== undefined) durable(subject.leaseDuration)

    describe("does as a model does", () => {
      const runs = Number(process.env["STORAGE_CONTRACT_RUNS"] ?? subject.runs)
      const seed = Number(process.env["STORAGE_CONTRACT_SEED"] ?? 20_240_101)
      const run = () =>
        Effect.forEach(
          FastCheck.sample(FastCheck.array(actionOf(subject), { maxLength: 60, size: "max" }), {
            seed,
            numRuns: runs
          }),
          (actions, index) =>
            Effect.scoped(Effect.flatMap(subject.make, (connect) => checkModel(connect, actions))).pipe(
              Effect.tapErrorCause(() =>
                Effect.sync(() => console.error(`run ${index} of seed ${seed}: ${JSON.stringify(actions)}`))
              )
            ),
          { discard: true }
        )
      if (subject.clock === "test") it.effect(`${runs} random sequences`, run, timeout + runs * 1000)
      else it.live(`${runs} random sequences`, run, timeout + runs * 1000)
    })
  })

  /** The tests for storages whose events outlive a process. They wait for leases to end, side by side where time is real. */
  const durable = (leaseDuration: number) =>
    describe("durable", { concurrent: subject.clock === "live" }, () => {
      test("events, their order, attempts and retries survive a restart", (connect) =>
        Effect.gen(function*() {
          yield* Effect.scoped(Effect.gen(function*() {
            const connection = yield* connect
            yield* append(connection, ["a1", "b2", "a3", "c4", "b5"])
            const lease = yield* leased(connection)
            yield* append(connection, ["a6"])
            yield* lease.release(pick(lease, "a1", "a3"), { notBefore: 0, attempts: 2, retries: 1 })
            yield* lease.release(pick(lease, "b2"), { notBefore: 0, attempts: 1, retries: 0 })
            yield* lease.acknowledge(pick(lease, "c4"))
          }))
          const connection = yield* connect
          assert.strictEqual(yield* connection.storage.count(), 5)
          assert.strictEqual(yield* connection.storage.count({ clientId: "client", upTo: 3 }), 3)
          const { events } = yield* leased(connection)
          assert.deepStrictEqual(byLane(namesOf(events)), [["a1", "a3", "a6"], ["b2", "b5"]])
          assert.deepStrictEqual(
            sorted(events.map((event) => `${nameOf(event)} ${event.attempts} ${event.retries}`)),
            ["a1 2 1", "a3 2 1", "a6 0 0", "b2 1 0", "b5 0 0"]
          )
        }))

      test("a pause survives a restart", (connect) =>
        Effect.gen(function*() {
          yield* Effect.scoped(Effect.gen(function*() {
            const connection = yield* connect
            yield* append(connection, ["a1", "b2", "a3"])
            const lease = yield* leased(connection)
            yield* pause(lease, pick(lease, "a1"), hour)
          }))
          const connection = yield* connect
          assert.deepStrictEqual(yield* available(connection), ["b2"])
          assert.deepStrictEqual(byLane(yield* available(connection, { includePaused: true })), [["a1", "a3"], ["b2"]])
        }))

      test("what was appended again after a failure stays", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          yield* append(connection, ["a1"])
          yield* connection.freeze
          assert.isTrue(Exit.isFailure(yield* Effect.exit(append(connection, ["a2", "b3"]))))
          yield* connection.thaw
          assert.deepStrictEqual(yield* append(connection, ["a2", "b3"]), accepted)
          yield* append(connection, ["c4"])
          assert.deepStrictEqual(byLane(yield* available(connection)), [["a1", "a2"], ["b3"], ["c4"]])
          assert.strictEqual(yield* connection.storage.count(), 4)
        }))

      test("a lease outlives a killed process until its time, then others have its events", (connect) =>
        Effect.gen(function*() {
          const [killed, other] = [yield* connect, yield* connect]
          yield* append(killed, ["a1", "b2", "a3", "c4"])
          const start = yield* Clock.currentTimeNanos
          const lease = yield* leased(killed, { maxEvents: 3 })
          yield* lease.release(pick(lease, "b2"), { notBefore: 0, attempts: 1, retries: 1 })
          yield* killed.freeze
          assert.deepStrictEqual(byLane(yield* available(other)), [["b2"], ["c4"]])
          const names = yield* eventually(available(other), ({ length }) => length === 4, { limit: leaseDuration * 10 })
          const passed = Number((yield* Clock.currentTimeNanos) - start) / 1e6
          assert.deepStrictEqual(byLane(names), [["a1", "a3"], ["b2"], ["c4"]])
          assert.isAtLeast(passed, leaseDuration * 0.9)
          const { events } = yield* leased(other)
          assert.deepStrictEqual(
            events.map(({ attempts, lane }) => [lane, attempts]).sort(),
            [["a", 0], ["a", 0], ["b", 1], ["c", 0]]
          )
        }))

      test("a client that comes back settles and releases nothing that another has", (connect) =>
        Effect.gen(function*() {
          const [paused, other] = [yield* connect, yield* connect]
          yield* append(paused, ["a1", "b2"])
          const before = yield* leased(paused)
          yield* paused.freeze
          yield* eventually(available(other), ({ length }) => length > 0, { limit: leaseDuration * 10 })
          const after = yield* leased(other)
          yield* paused.thaw
          assert.deepStrictEqual(yield* before.acknowledge(pick(before, "a1")), [])
          yield* pause(before, pick(before, "b2"), hour)
          assert.deepStrictEqual(yield* available(paused), [])
          assert.strictEqual(yield* other.storage.count(), 2)
          assert.deepStrictEqual(namesOf(yield* after.acknowledge(after.events)), ["a1", "b2"])
          assert.strictEqual(yield* paused.storage.count(), 0)
        }))

      test("a client that comes back and whose events nobody took still has them", (connect) =>
        Effect.gen(function*() {
          const connection = yield* connect
          yield* append(connection, ["a1"])
          const lease = yield* leased(connection)
          yield* connection.freeze
          yield* wait(leaseDuration * 1.2)
          yield* connection.thaw
          assert.deepStrictEqual(namesOf(yield* lease.acknowledge(lease.events)), ["a1"])
          assert.strictEqual(yield* connection.storage.count(), 0)
        }))

      test("a lease is ours for as long as its scope is open", (connect) =>
        Effect.gen(function*() {
          const [one, other] = [yield* connect, yield* connect]
          yield* append(one, ["a1"])
          const lease = yield* leased(one)
          for (let index = 0; index < 10; index++) {
            yield* wait(leaseDuration / 4)
            assert.deepStrictEqual(yield* available(other), [])
          }
          assert.deepStrictEqual(namesOf(yield* lease.acknowledge(lease.events)), ["a1"])
        }))

      test("changes tell of a lease that is over", (connect) =>
        Effect.gen(function*() {
          const [killed, other] = [yield* connect, yield* connect]
          yield* append(killed, ["a1"])
          yield* leased(killed)
          yield* killed.freeze
          const told = yield* Queue.unbounded<void>()
          yield* Effect.forkScoped(Stream.runForEach(other.storage.changes, () => told.offer(undefined)))
          const names = yield* eventually(
            Effect.zipRight(told.take, available(other)),
            ({ length }) => length > 0,
            { limit: leaseDuration * 10, step: 0 }
          )
          assert.deepStrictEqual(names, ["a1"])
        }))
    })
}

const accepted: EventStorage.AppendResult = { _tag: "Accepted", evicted: [] }

const evictedBy = <E>(append: Effect.Effect<EventStorage.AppendResult, E>) =>
  Effect.map(append, (result) => {
    assert.strictEqual(result._tag, "Accepted")
    return result._tag === "Accepted" ? sorted(namesOf(result.evicted)) : []
  })

/** Mulberry32: integers from 0 to below a limit. */
const randomOf = (seed: number) => (limit: number): number => {
  seed = (seed + 0x6d2b79f5) | 0
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
}

type Action =
  | {
    readonly _tag: "append"
    readonly client: number
    readonly lanes: string
    readonly options: EventStorage.AppendOptions
  }
  | { readonly _tag: "lease"; readonly client: number; readonly options: EventStorage.LeaseOptions }
  | { readonly _tag: "acknowledge"; readonly lease: number; readonly events: ReadonlyArray<number> }
  | {
    readonly _tag: "release"
    readonly lease: number
    readonly events: ReadonlyArray<number>
    readonly isPaused: boolean
    readonly attempts: number
    readonly retries: number
  }
  | { readonly _tag: "close"; readonly lease: number }
  | { readonly _tag: "evict"; readonly client: number; readonly options: EventStorage.EvictOptions }
  | { readonly _tag: "count"; readonly client: number; readonly of: number; readonly upTo: number }

const actionOf = ({ capacity }: Subject): FastCheck.Arbitrary<Action> => {
  const client = FastCheck.nat({ max: 1 })
  const lease = FastCheck.nat({ max: 20 })
  // of the events of a lease, by their places there, in any order and some of them twice
  const events = FastCheck.array(FastCheck.nat({ max: 7 }), { maxLength: 6, size: "max" })
  const maxBytes = FastCheck.oneof(
    { weight: 3, arbitrary: FastCheck.constant(1_000_000) },
    { weight: 1, arbitrary: FastCheck.nat({ max: 200 }) }
  )
  return FastCheck.oneof(
    {
      weight: 6,
      arbitrary: FastCheck.record({
        _tag: FastCheck.constant("append" as const),
        client,
        lanes: FastCheck.array(FastCheck.constantFrom(..."abcd"), { minLength: 1, maxLength: 4 }).map((lanes) =>
          lanes.join("")
        ),
        options: capacity === "exact"
          ? FastCheck.record({
            capacity: FastCheck.integer({ min: 1, max: 12 }),
            whenFull: FastCheck.constantFrom("refuse" as const, "evictOldest" as const)
          })
          : FastCheck.constant(roomy)
      })
    },
    {
      weight: 4,
      arbitrary: FastCheck.record({
        _tag: FastCheck.constant("lease" as const),
        client,
        options: FastCheck.record({
          maxEvents: FastCheck.integer({ min: 1, max: 8 }),
          maxBytes,
          includePaused: FastCheck.constantFrom(true, false, false, false)
        })
      })
    },
    { weight: 3, arbitrary: FastCheck.record({ _tag: FastCheck.constant("acknowledge" as const), lease, events }) },
    {
      weight: 3,
      arbitrary: FastCheck.record({
        _tag: FastCheck.constant("release" as const),
        lease,
        events,
        isPaused: FastCheck.constantFrom(true, false, false),
        attempts: FastCheck.nat({ max: 2 }),
        retries: FastCheck.nat({ max: 2 })
      })
    },
    { weight: 2, arbitrary: FastCheck.record({ _tag: FastCheck.constant("close" as const), lease }) },
    {
      weight: 1,
      arbitrary: FastCheck.record({
        _tag: FastCheck.constant("evict" as const),
        client,
        options: FastCheck.record({
          keep: FastCheck.nat({ max: 12 }),
          from: FastCheck.constantFrom("oldest" as const, "newest" as const)
        })
      })
    },
    {
      weight: 1,
      arbitrary: FastCheck.record({
        _tag: FastCheck.constant("count" as const),
        client,
        of: client,
        upTo: FastCheck.nat({ max: 60 })
      })
    }
  )
}

/** An event as the model has it. The model is an array of these, in the order of the appends. */
interface Modelled {
  readonly event: Event
  attempts: number
  retries: number
  isPaused: boolean
  /** The lease that holds it. */
  lease: number | undefined
}

const isSame = (one: Event, other: Event): boolean => one.clientId === other.clientId && one.sequence === other.sequence

/** Carries out the actions on a storage with two clients, and compares each answer with the model. */
const checkModel = (
  connect: Effect.Effect<Connection, unknown, Scope.Scope>,
  actions: ReadonlyArray<Action>
): Effect.Effect<void, unknown, Scope.Scope> =>
  Effect.gen(function*() {
    const connections = [yield* connect, yield* connect]
    const leases: Array<{ readonly lease: Lease; readonly scope: Scope.CloseableScope }> = []
    let model: Array<Modelled> = []
    let sequence = 0

    const evicted = (keep: number, from: "oldest" | "newest"): ReadonlyArray<Modelled> => {
      const free = model.filter(({ lease }) => lease === undefined)
      const tooMany = Math.max(0, model.length - keep)
      const gone = from === "oldest" ? free.slice(0, tooMany) : free.slice(Math.max(0, free.length - tooMany))
      model = model.filter((entry) => !gone.includes(entry))
      return gone
    }
    const same = (events: ReadonlyArray<Event>, expected: ReadonlyArray<Modelled>) =>
      assert.deepStrictEqual(
        sorted(events.map((event) => JSON.stringify(plain(event)))),
        sorted(expected.map(({ attempts, event, retries }) => JSON.stringify(plain({ ...event, attempts, retries }))))
      )
    /** The events that can be leased: no earlier event of their lane is leased or paused. */
    const free = (includePaused: boolean): ReadonlyArray<Modelled> => {
      const blocked = new Set(model.filter(({ lease }) => lease !== undefined).map(({ event }) => event.lane))
      return model.filter(({ event, isPaused }) => {
        if (isPaused && !includePaused) blocked.add(event.lane)
        return !blocked.has(event.lane)
      })
    }
    const heldBy = (lease: number) => model.filter((entry) => entry.lease === lease)
    const chosen = (lease: Lease, places: ReadonlyArray<number>) =>
      places.map((place) => {
        const event = lease.events[place]
        // an even index gives a copy, and an index out of range gives an event of no client
        return event === undefined ? eventOf(place, { clientId: "nobody" }) : place % 2 === 0 ? copyOf(event) : event
      })

    for (const action of actions) {
      switch (action._tag) {
        case "append": {
          const events = [...action.lanes].map((lane) => {
            const event = eventOf(sequence, {
              lane,
              clientId: `client-${action.client}`,
              json: `"${"x".repeat(sequence % 40)}"`
            })
            sequence++
            return event
          })
          const result = yield* connections[action.client]!.storage.append(
            events as unknown as NonEmptyReadonlyArray<Event>,
            action.options
          )
          const hasRoom = model.length + events.length <= action.options.capacity
          if (!hasRoom && action.options.whenFull === "refuse") {
            assert.deepStrictEqual(result, { _tag: "Refused" })
            break
          }
          model.push(
            ...events.map((event) => ({ event, attempts: 0, retries: 0, isPaused: false, lease: undefined }))
          )
          assert.strictEqual(result._tag, "Accepted")
          if (result._tag === "Accepted") {
            same(result.evicted, hasRoom ? [] : evicted(action.options.capacity, "oldest"))
          }
          break
        }
        case "lease": {
          const scope = yield* Effect.acquireRelease(Scope.make(), Scope.close)
          const found = yield* connections[action.client]!.storage.lease(action.options).pipe(Scope.extend(scope))
          const candidates = free(action.options.includePaused === true)
          const events = Option.match(found, { onNone: () => [], onSome: ({ events }) => [...events] })
          const taken = candidates.filter(({ event }) => events.some((other) => isSame(event, other)))
          same(events, taken)
          assert.strictEqual(taken.length, events.length)
          // each lane from its first event on, in order
          for (const lane of "abcd") {
            const inLane = candidates.filter(({ event }) => event.lane === lane)
            const handedOut = events.filter((event) => event.lane === lane).map(({ sequence }) => sequence)
            assert.deepStrictEqual(handedOut, inLane.slice(0, handedOut.length).map(({ event }) => event.sequence))
          }
          const bytes = events.reduce((sum, event) => sum + sizeOf(event), 0)
          assert.isAtMost(events.length, action.options.maxEvents)
          if (events.length > 1) assert.isAtMost(bytes, action.options.maxBytes)
          // and nothing is left out that there was room for
          const left = candidates.filter((entry) => !taken.includes(entry))
          if (left.length > 0 && events.length < action.options.maxEvents) {
            assert.isTrue(
              events.length > 0 && left.some(({ event }) => bytes + sizeOf(event) > action.options.maxBytes)
            )
          }
          if (Option.isSome(found)) {
            for (const entry of taken) entry.lease = leases.length
            leases.push({ lease: found.value, scope })
          }
          break
        }
        case "acknowledge": {
          const index = action.lease % (leases.length || 1)
          const entry = leases[index]
          if (entry === undefined) break
          const events = chosen(entry.lease, action.events)
          const ours = heldBy(index).filter(({ event }) => events.some((other) => isSame(event, other)))
          const answer = yield* entry.lease.acknowledge(events)
          assert.deepStrictEqual(sorted(namesOf(answer)), sorted(namesOf(ours.map(({ event }) => event))))
          model = model.filter((entry) => !ours.includes(entry))
          break
        }
        case "release": {
          const index = action.lease % (leases.length || 1)
          const entry = leases[index]
          if (entry === undefined) break
          const events = chosen(entry.lease, action.events)
          const now = yield* Clock.currentTimeMillis
          yield* entry.lease.release(events, {
            notBefore: action.isPaused ? now + hour : 0,
            attempts: action.attempts,
            retries: action.retries
          })
          for (const held of heldBy(index)) {
            if (!events.some((other) => isSame(held.event, other))) continue
            held.lease = undefined
            held.attempts += action.attempts
            held.retries += action.retries
            held.isPaused = action.isPaused
          }
          break
        }
        case "close": {
          const index = action.lease % (leases.length || 1)
          const entry = leases[index]
          if (entry === undefined) break
          yield* Scope.close(entry.scope, Exit.void)
          for (const held of heldBy(index)) held.lease = undefined
          break
        }
        case "evict": {
          const { from, keep } = action.options
          same(yield* connections[action.client]!.storage.evict(action.options), evicted(keep, from))
          break
        }
        case "count": {
          const { storage } = connections[action.client]!
          assert.strictEqual(yield* storage.count(), model.length)
          const clientId = `client-${action.of}`
          assert.strictEqual(
            yield* storage.count({ clientId, upTo: action.upTo }),
            model.filter(({ event }) => event.clientId === clientId && event.sequence <= action.upTo).length
          )
        }
      }
    }
    // no event is lost: the remaining ones are leased, each lane in order
    for (const { scope } of leases) yield* Scope.close(scope, Exit.void)
    const rest = yield* drain(connections[0]!)
    same(rest, model)
    for (const lane of "abcd") {
      assert.deepStrictEqual(
        rest.filter((event) => event.lane === lane).map(({ sequence }) => sequence),
        model.filter(({ event }) => event.lane === lane).map(({ event }) => event.sequence)
      )
    }
    assert.strictEqual(yield* connections[1]!.storage.count(), 0)
  })
