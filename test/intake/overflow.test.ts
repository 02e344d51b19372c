/**
 * A buffer that overflows because nobody listens at the address of the server. The accepted, dropped and waiting events
 * of each policy are exact, and the capacity and the memory stay bounded all the time.
 */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Layer, Schedule } from "effect"
import type { DeliveryReport } from "effect-amplitude"
import { Amplitude, AmplitudeConfig, AmplitudeLogger, EventStorage, Transport } from "effect-amplitude"
import { spawn } from "node:child_process"
import { built } from "../support/built.js"
import { refusingUrl } from "../support/FaultServer.js"

/** The number of events. `OVERFLOW_EVENTS=300000` is the full test. */
const events = Number(process.env.OVERFLOW_EVENTS ?? 30_000)
const capacity = events / 3
/** The events of the first batch. It probes the endpoint, and events in a request cannot be dropped. */
const probing = 200

/** A client of an address where nobody listens, and the outcomes of its events. */
const dead = (overflow: AmplitudeConfig.Overflow) =>
  Effect.gen(function*() {
    const serverUrl = yield* refusingUrl
    const numbers: Record<string, Array<number>> = {}
    const note = (outcome: string, number: number) => void (numbers[outcome] ??= []).push(number)
    const callback = (report: DeliveryReport.DeliveryReport) =>
      Effect.sync(() => note(report._tag === "Dropped" ? report.reason : report._tag, Number(report.event.event_type)))
    const context = yield* Layer.build(
      Amplitude.layerServices.pipe(
        Layer.provideMerge(EventStorage.layerMemory),
        Layer.provide([Transport.layerFetch, AmplitudeLogger.layerNone]),
        Layer.provide(AmplitudeConfig.layer({
          apiKey: "a-secret-key",
          serverUrl,
          overflow,
          bufferCapacity: capacity,
          flushMaxRetries: 1_000_000,
          retrySchedule: Schedule.spaced("20 millis"),
          shutdownTimeout: 0,
          reportCapacity: events,
          callback
        }))
      )
    )
    const client = Context.get(context, Amplitude)
    const waiting = Context.get(context, EventStorage).count()
    const event = (number: number) => ({ event_type: String(number), user_id: `user-${number % 1000}` })
    /** Tracks events one after the other, and looks now and then whether the bound holds. */
    const track = (from: number, to: number, call: (number: number) => Effect.Effect<void>) =>
      Effect.iterate(from, {
        while: (number) => number <= to,
        body: (number) =>
          Effect.zipRight(
            call(number),
            number % 1000 === 0
              // a turn of the loop, so that the probe gets on
              ? Effect.zipRight(
                Effect.sleep(0),
                Effect.map(waiting, (size) => {
                  assert.isAtMost(size, capacity)
                  return number + 1
                })
              )
              : Effect.succeed(number + 1)
          )
      })
    return {
      client,
      waiting,
      note,
      /** The numbers of the events that ended so, in order. */
      ended: (outcome: string): ReadonlyArray<number> => (numbers[outcome] ?? []).toSorted((a, b) => a - b),
      outcomes: () => Object.fromEntries(Object.entries(numbers).map(([outcome, { length }]) => [outcome, length])),
      event,
      /** With `track`: an event that is not taken is a report. */
      trackAll: (to = events, from = 1) => track(from, to, (number) => client.track(event(number))),
      /** With `trackOrFail`: an event that is not taken is an error. */
      tryAll: (to = events, from = 1) =>
        track(from, to, (number) =>
          Effect.catchAll(client.trackOrFail(event(number)), ({ _tag }) =>
            Effect.sync(() =>
              note(_tag, number)
            )))
    }
  })

/** Whether these are the numbers from one to another: `deepStrictEqual` takes seconds for as many. */
const isRange = (numbers: ReadonlyArray<number>, from: number, to: number): boolean =>
  numbers.length === to - from + 1 && numbers.every((number, index) => number === from + index)

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)

describe(`${events} events, room for ${capacity}, and nobody listens`, { timeout: 60_000 }, () => {
  it.scopedLive("dropOldest keeps the newest", () =>
    Effect.gen(function*() {
      const { client, ended, outcomes, trackAll, waiting } = yield* dead("dropOldest")
      yield* trackAll()
      assert.strictEqual(yield* waiting, capacity)
      yield* client.shutdown
      assert.deepStrictEqual(outcomes(), { BufferFull: events - capacity, Shutdown: capacity })
      assert.strictEqual(yield* waiting, 0)
      // without the events that a request held, at both ends
      const kept = ended("Shutdown")
      assert.isAtLeast(kept.filter((number) => number > events - capacity).length, capacity - probing)
      assert.isTrue(isRange([...ended("BufferFull"), ...kept].sort((a, b) => a - b), 1, events))
    }))

  it.scopedLive("dropNewest keeps the first", () =>
    Effect.gen(function*() {
      const { client, ended, outcomes, trackAll, waiting } = yield* dead("dropNewest")
      yield* trackAll()
      assert.strictEqual(yield* waiting, capacity)
      yield* client.shutdown
      assert.deepStrictEqual(outcomes(), { BufferFull: events - capacity, Shutdown: capacity })
      assert.isTrue(isRange(ended("Shutdown"), 1, capacity))
      assert.isTrue(isRange(ended("BufferFull"), capacity + 1, events))
    }))

  it.scopedLive("fail says so to the caller, or in a report, and never in both", () =>
    Effect.gen(function*() {
      const { client, ended, outcomes, trackAll, tryAll, waiting } = yield* dead("fail")
      yield* tryAll(events / 2)
      assert.strictEqual(yield* waiting, capacity)
      // an error of the call is no report
      assert.deepStrictEqual(outcomes(), { BufferFull: events / 2 - capacity })
      yield* trackAll(events, events / 2 + 1)
      yield* client.shutdown
      assert.deepStrictEqual(outcomes(), { BufferFull: events - capacity, Shutdown: capacity })
      assert.isTrue(isRange(ended("Shutdown"), 1, capacity))
      assert.isTrue(isRange(ended("BufferFull"), capacity + 1, events))
    }))

  it.scopedLive("suspend lets the caller wait, who can be interrupted, and is let go at shutdown", () =>
    Effect.gen(function*() {
      const { client, ended, event, note, outcomes, trackAll, waiting } = yield* dead("suspend")
      const caller = yield* Effect.fork(trackAll())
      yield* Effect.repeat(waiting, { schedule: Schedule.spaced("20 millis"), until: (size) => size === capacity })
      // others who come wait as well; those who are interrupted were never there
      const impatient = yield* Effect.forEach(
        range(1, 100),
        (number) => Effect.fork(client.trackOrFail(event(events + number)))
      )
      yield* Effect.sleep("100 millis")
      assert.isTrue((yield* Fiber.poll(caller))._tag === "None")
      for (const fiber of impatient) {
        assert.isTrue((yield* Fiber.poll(fiber))._tag === "None")
        assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(fiber)))
      }
      assert.strictEqual(yield* waiting, capacity)
      assert.deepStrictEqual(outcomes(), {})
      const last = yield* Effect.fork(Effect.catchAll(
        client.trackOrFail(event(events + 101)),
        ({ _tag }) => Effect.sync(() => note(_tag, events + 101))
      ))
      yield* Effect.sleep("20 millis")
      yield* client.shutdown
      yield* Fiber.join(last)
      yield* Fiber.join(caller)
      // those who come after the shutdown have their report as well, if a callback is still there to get it
      assert.strictEqual(outcomes().Shutdown, capacity)
      assert.isTrue(isRange(ended("Shutdown"), 1, capacity))
      assert.deepStrictEqual(ended("AmplitudeClosed"), [events + 101])
      assert.isTrue(isRange(ended("Closed"), capacity + 1, events))
    }))
})

/** Fills a buffer three times over, and gives the memory of the waiting events, in the heap and outside of it. */
const script = `
  const { Effect } = await import("effect")
  const { Amplitude, AmplitudeLogger } = await import("./src/index.js")
  const events = ${events}
  const used = () => {
    gc()
    // memory outside of the heap is freed after the collection, before the next one begins
    gc()
    const { external, heapUsed } = process.memoryUsage()
    return heapUsed + external
  }
  await Effect.gen(function*() {
    const client = yield* Amplitude
    let bytes = 0
    const track = (number) => {
      const event = {
        event_type: "Song Played",
        user_id: "user-" + number,
        device_id: "device-" + number,
        event_properties: { number, title: "So What", artist: "Miles Davis", seconds: 545, tags: ["jazz", "modal"] }
      }
      if (number > events - ${capacity}) bytes += JSON.stringify(event).length + 80
      return client.track(event)
    }
    for (let number = 0; number < 1000; number++) yield* track(-number)
    const before = used()
    for (let number = 1; number <= events; number++) {
      yield* track(number)
      if (number % 1000 === 0) yield* Effect.sleep(0)
    }
    const after = used()
    console.log(JSON.stringify({ before, after, growth: after - before, bytes }))
    process.exit(0)
  }).pipe(
    Effect.provide(Amplitude.layer({
      apiKey: "a-secret-key",
      serverUrl: process.argv[1],
      bufferCapacity: ${capacity},
      flushMaxRetries: 1000000
    })),
    Effect.runPromise
  )
`

describe(`the memory of ${capacity} waiting events`, { timeout: 60_000 }, () => {
  it.live(
    "is near the length of their JSON, however many came before",
    () =>
      Effect.gen(function*() {
        const url = yield* refusingUrl
        const cwd = yield* Effect.promise(built)
        const output = yield* Effect.async<string>((resume) => {
          const child = spawn(
            process.execPath,
            ["--expose-gc", "--input-type=module", "--eval", script, url],
            { cwd, stdio: ["ignore", "pipe", "inherit"], timeout: 50_000, killSignal: "SIGKILL" }
          )
          let output = ""
          child.stdout.setEncoding("utf8").on("data", (text: string) => output += text)
          child.on("close", () => resume(Effect.succeed(output)))
          return Effect.sync(() => child.kill("SIGKILL"))
        })
        const { bytes, growth } = JSON.parse(output.trim().split("\n").at(-1)!) as { bytes: number; growth: number }
        console.log(
          `${capacity} events: ${Math.round(bytes / 1e6)} MB of JSON, ${Math.round(growth / 1e6)} MB of memory`
        )
        assert.isAbove(growth, 0)
        assert.isBelow(growth, 3 * bytes)
      })
  )
})
