/**
 * CPU of an event until it is delivered, as one parameter grows: all values in one process, or one value in its own
 * process (`depths 1000`). It is measured after a warm-up, and each client stays open, so that no figure includes
 * compiling or opening. The values take turns, and the result is the median of each.
 */
import { Effect, ManagedRuntime } from "effect"
import type { Event } from "effect-amplitude"
import { Amplitude, Plugin } from "effect-amplitude"
import { AmplitudeNode } from "effect-amplitude/AmplitudeNode"
import { encode, openSend } from "../contenders/floor.js"
import { trackAll } from "../contenders/ours.js"
import type { Place } from "../control.js"
import * as Control from "../control.js"
import { cpuSeconds } from "../cpu.js"
import { eventOfSize } from "../event.js"
import type { Figures, Sampler } from "../sample.js"
import { median } from "../statistics.js"

/** What tracks events and waits until they are delivered. */
interface Subject {
  readonly deliver: (events: number) => Promise<void>
  readonly close: () => Promise<void>
}

/** One value of what grows. */
interface Case {
  readonly events: number
  readonly open: (place: Place, events: number) => Promise<Subject>
}

type Cases = Readonly<Record<string, Case>>

const openClient = async (
  { url }: Place,
  options: Partial<Amplitude.Options>,
  track: (client: Amplitude.Client, events: number) => Effect.Effect<void>
): Promise<Subject> => {
  const runtime = ManagedRuntime.make(
    AmplitudeNode.layer({ apiKey: "key", serverUrl: url, shutdownTimeout: 0, ...options })
  )
  const client = await runtime.runPromise(Amplitude)
  return {
    deliver: (events) => runtime.runPromise(Effect.zipRight(track(client, events), client.flush)),
    close: () => runtime.dispose()
  }
}

const cases = (values: ReadonlyArray<number>, prefix: string, of: (value: number) => Case): Cases =>
  Object.fromEntries(values.map((value) => [`${prefix}${value}`, of(value)]))

const inFibers = (fibers: number): Case => ({
  events: 40_000,
  open: (place) =>
    openClient(place, {}, (client, events) => {
      const each = Math.floor(events / fibers)
      return Effect.forEach(
        Array.from({ length: fibers }, (_, fiber) => fiber),
        (fiber) => trackAll(client, fiber === fibers - 1 ? events - fiber * each : each, fiber * each),
        { concurrency: "unbounded", discard: true }
      )
    })
})

/** About as many bytes for every size, and enough events for each. */
const eventsOf = (kilobytes: number): number => Math.max(2000, Math.min(20_000, Math.round(20_000 / kilobytes)))

const ofSize = (kilobytes: number): Case => {
  const eventOf = eventOfSize(kilobytes * 1000)
  return {
    events: eventsOf(kilobytes),
    open: (place) => openClient(place, {}, (client, events) => trackAll(client, events, 0, eventOf))
  }
}

const floorOfSize = (kilobytes: number): Case => ({
  events: eventsOf(kilobytes),
  open: async (place) => byHand(place, eventOfSize(kilobytes * 1000))
})

const byHand = ({ url }: Place, eventOf: (index: number) => Event.Input): Subject => {
  const { agent, send } = openSend(url, 1)
  const deliver = async (events: number): Promise<void> => {
    let batch: Array<string> = []
    let length = 0
    for (let index = 0; index < events; index++) {
      const json = encode(eventOf(index))
      batch.push(json)
      length += json.length
      // no request is larger than what the service takes
      if (batch.length < 200 && length < 900_000 && index < events - 1) continue
      await send(batch)
      batch = []
      length = 0
    }
  }
  return { deliver, close: () => agent.close() }
}

const atDepth = (depth: number): Case => ({
  events: depth,
  open: (place, events) =>
    openClient(
      place,
      { flushQueueSize: 10_000_000, flushInterval: "1 hour", bufferCapacity: events },
      (client, count) => trackAll(client, count, 0)
    )
})

const enrich = (name: string): Plugin.Plugin =>
  Plugin.enrichment(
    name,
    (event) => Effect.succeed({ ...event, event_properties: { ...event.event_properties, [name]: true } })
  )

const withPlugins = (count: number): Case => ({
  events: 20_000,
  open: (place) =>
    openClient(
      place,
      { plugins: Array.from({ length: count }, (_, index) => enrich(`plugin-${index}`)) },
      (client, events) => trackAll(client, events, 0)
    )
})

/** What can grow. Where events wait before they leave, all do; otherwise they leave while others are tracked. */
const axes: Record<string, Cases> = {
  fibers: cases([1, 2, 4, 8, 16, 32, 64], "", inFibers),
  sizes: {
    ...cases([0.2, 0.4, 1, 2, 5, 10, 20], "", ofSize),
    ...cases([0.2, 0.4, 1, 2, 5, 10, 20], "floor ", floorOfSize)
  },
  depths: cases([1000, 10_000, 100_000, 1_000_000], "", atDepth),
  plugins: cases([0, 1, 2, 5, 10], "", withPlugins)
}

/**
 * Microseconds of CPU of an event of this case. Few events are repeated until there are enough to tell, and what comes
 * first is not in the figure. Garbage is never collected by force: a heap that was made to give up its space is not
 * that of a process that runs, and collects twice as much for long.
 */
const measure = async ({ events, open }: Case, place: Place, least: number): Promise<number> => {
  const subject = await open(place, events)
  const cpuOf = async (events: number): Promise<number> => {
    await Control.order(place, { events })
    const cpu = cpuSeconds()
    await subject.deliver(events)
    const used = cpuSeconds() - cpu
    const { distinct } = await Control.state(place)
    if (distinct !== events) throw new Error(`${distinct} of ${events} events arrived`)
    return used
  }
  const times = Math.max(1, Math.ceil(least / events))
  for (let settled = 0; settled < Math.min(least, 10_000); settled += events) await cpuOf(Math.min(events, 10_000))
  let used = 0
  for (let time = 0; time < times; time++) used += await cpuOf(events)
  await subject.close()
  return used / times / events * 1e6
}

export const sample: Sampler = async (contender, { divisor, repetitions, ...place }): Promise<Figures> => {
  const [axis = "", only] = contender.split(" ")
  const cases = Object.entries(axes[axis]!).filter(([name]) => only === undefined || name === only)
  const scaled = cases.map(([name, { events, open }]) => {
    const fewer: Case = { events: Math.ceil(events / divisor!), open }
    return { name, fewer, values: new Array<number>() }
  })
  const least = 20_000 / divisor!
  for (const { fewer } of scaled) await measure({ ...fewer, events: Math.min(fewer.events, 10_000) }, place, 3 * least)
  for (let repetition = 0; repetition < repetitions!; repetition++) {
    for (const { fewer, values } of scaled) values.push(await measure(fewer, place, least))
  }
  return Object.fromEntries(scaled.map(({ name, values }) => [name, median(values)]))
}
