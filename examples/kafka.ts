/**
 * Events through Kafka: a destination plugin produces them, and a consumer gives them to Amplitude. `Producer` and
 * `Consumer` are the interfaces to a Kafka client: implement them with the one that you use.
 */
import { Array, Context, Effect, Layer, Option, Schedule } from "effect"
import { Amplitude, AmplitudeConfig, AmplitudeLogger, EventStorage, Plugin, Transport } from "effect-amplitude"
import type { Event, InvalidConfig, PluginError } from "effect-amplitude"

interface KafkaRecord {
  readonly key: string
  readonly value: string
}

/** Sends a record and completes when the brokers have it: `acks: "all"`, with an idempotent producer. */
export class Producer extends Context.Tag("Producer")<Producer, {
  readonly send: (topic: string, record: KafkaRecord) => Effect.Effect<void, Error>
}>() {}

/** Reads records of a topic as a member of a consumer group, without committing their offsets by itself. */
export class Consumer extends Context.Tag("Consumer")<Consumer, {
  readonly poll: (topic: string) => Effect.Effect<ReadonlyArray<KafkaRecord>, Error>
  /** Commits the offsets of the records that were polled so far. */
  readonly commit: Effect.Effect<void, Error>
}>() {}

const topic = "amplitude-events"

/** The lane of an event is its key: one partition keeps its order. */
const keyOf = ({ device_id, user_id }: Event): string => device_id ?? user_id ?? ""

/** Produces every event of a client, with its time and its insert_id. */
export const toKafka: Effect.Effect<Plugin.Plugin, never, Producer> = Effect.map(
  Producer,
  ({ send }) =>
    Plugin.destination({
      name: "kafka",
      execute: (event) =>
        send(topic, { key: keyOf(event), value: JSON.stringify(event) }).pipe(
          Effect.retry(Schedule.exponential("100 millis").pipe(Schedule.upTo("5 minutes")))
        ),
      // Amplitude.flush and the end of the client wait until everything is produced
      flush: Effect.void
    })
)

/** A transport that sends nothing: the consumer sends the events. */
const Nowhere = Layer.succeed(Transport, { send: () => Effect.succeed({ status: 200, headers: {}, body: "{}" }) })

/** The client of processes that only produce. */
export const AmplitudeToKafka: Layer.Layer<Amplitude, InvalidConfig | PluginError, Producer> = Amplitude.layerServices
  .pipe(
    Layer.tap((context) => Effect.flatMap(toKafka, (plugin) => Context.get(context, Amplitude).add(plugin))),
    Layer.provide([EventStorage.layerMemory, Nowhere, AmplitudeLogger.layerEffect]),
    Layer.provide(AmplitudeConfig.layer({ apiKey: "not-used" }))
  )

/**
 * The event of a record. A record that is not JSON is left out; an event at fault is refused by `trackAll`, with a
 * report.
 */
const eventOf = Option.liftThrowable(({ value }: KafkaRecord) => JSON.parse(value) as Event.Input)

/**
 * Gives the records of each poll to the client of the consumer, in one append, and commits when Amplitude has them. A
 * consumer that dies before it commits reads the records again: they have the same insert_id, and Amplitude keeps one.
 */
export const fromKafka: Effect.Effect<never, Error, Amplitude | Consumer> = Effect.gen(function*() {
  const { commit, poll } = yield* Consumer
  const next = Effect.gen(function*() {
    const records = yield* poll(topic)
    yield* Amplitude.trackAll(Array.filterMap(records, eventOf))
    // with a durable storage this line is not needed: appended events survive the consumer
    yield* Amplitude.flush
    yield* commit
  })
  return yield* Effect.forever(next)
})
