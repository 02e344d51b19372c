/**
 * CPU of an event until it is delivered, as one thing grows. All in one process after a warm-up, so that compiling is in
 * no figure; the values take turns, and the median of each is told.
 */
import { Effect, ManagedRuntime } from "effect"
import type { AmplitudeConfig, Event } from "effect-amplitude"
import { Amplitude, Plugin } from "effect-amplitude"
import { AmplitudeNode } from "effect-amplitude/AmplitudeNode"
import { encode, openSend } from "../contenders/floor.js"
import { trackAll } from "../contenders/ours.js"
import type { Place } from "../control.js"
import * as Control from "../control.js"
import { cpuSeconds } from "../cpu.js"
import { eventOfSize, makeEvent } from "../event.js"
import type { Figures, Sampler } from "../sample.js"
import { median } from "../statistics.js"

/** One value of what grows: how many events, and what is to be done with them. */
interface Case {
  readonly events: number
  readonly run: (place: Place, events: number) => Promise<void>
}

type Cases = Readonly<Record<string, Case>>

const withClient = async (
  place: Place,
  options: Partial<AmplitudeConfig.Options>,
  use: (client: Amplitude.Client) => Effect.Effect<void>
): Promise<void> => {
  const runtime = ManagedRuntime.make(
    AmplitudeNode.layer({ apiKey: "key", serverUrl: place.url, shutdownTimeout: 0, ...options })
  )
  await runtime.runPromise(Effect.flatMap(Amplitude, (client) => Effect.zipRight(use(client), client.flush)))
  await runtime.dispose()
}

const cases = <A extends number>(
  values: ReadonlyArray<A>,
  prefix: string,
  of: (value: A) => Case
): Cases => Object.fromEntries(values.map((value) => [`${prefix}${value}`, of(value)]))

const inFibers = (fibers: number): Case => ({
  events: 40_000,
  run: (place, events) =>
    withClient(place, { overflow: "suspend" }, (client) => {
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
    run: (place, events) => withClient(place, {}, (client) => trackAll(client, events, 0, eventOf))
  }
}

const floorOfSize = (kilobytes: number): Case => {
  const eventOf = eventOfSize(kilobytes * 1000)
  return { events: eventsOf(kilobytes), run: (place, events) => sendByHand(place, events, eventOf) }
}

const sendByHand = async (
  { url }: Place,
  events: number,
  eventOf: (index: number) => Event.Input
): Promise<void> => {
  const { agent, send } = openSend(url, 1)
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
  await agent.close()
}

const atDepth = (depth: number): Case => ({
  events: depth,
  run: (place, events) =>
    withClient(
      place,
      { flushQueueSize: 10_000_000, flushInterval: "1 hour", bufferCapacity: events },
      (client) => trackAll(client, events, 0)
    )
})

const enrich = (name: string): Plugin.Plugin =>
  Plugin.enrichment(
    name,
    (event) => Effect.succeed({ ...event, event_properties: { ...event.event_properties, [name]: true } })
  )

const withPlugins = (count: number): Case => ({
  events: 20_000,
  run: (place, events) =>
    withClient(
      place,
      { plugins: Array.from({ length: count }, (_, index) => enrich(`plugin-${index}`)) },
      (client) => trackAll(client, events, 0)
    )
})

/** What can grow. A depth of its own is that of the buffer: the others drain while they track. */
const axes: Record<string, Cases> = {
  fibers: cases([1, 2, 4, 8, 16, 32, 64], "", inFibers),
  sizes: {
    ...cases([0.2, 0.4, 1, 2, 5, 10, 20], "", ofSize),
    ...cases([0.2, 0.4, 1, 2, 5, 10, 20], "floor ", floorOfSize)
  },
  depths: cases([1000, 10_000, 100_000, 1_000_000], "", atDepth),
  plugins: cases([0, 1, 2, 5, 10], "", withPlugins)
}

/** Microseconds of CPU of an event of this case. Few events are repeated until there are enough to tell. */
const measure = async ({ events, run }: Case, place: Place, least: number): Promise<number> => {
  const times = Math.max(1, Math.ceil(least / events))
  let used = 0
  for (let time = 0; time < times; time++) {
    await Control.order(place, { events })
    gc!()
    const cpu = cpuSeconds()
    await run(place, events)
    used += cpuSeconds() - cpu
    const { distinct } = await Control.state(place)
    if (distinct !== events) throw new Error(`${distinct} of ${events} events arrived`)
  }
  return used / times / events * 1e6
}

export const sample: Sampler = async (axis, { divisor, repetitions, ...place }): Promise<Figures> => {
  const scaled = Object.entries(axes[axis]!).map(([name, { events, run }]) => {
    const fewer: Case = { events: Math.ceil(events / divisor!), run }
    return [name, fewer, new Array<number>()] as const
  })
  const least = 20_000 / divisor!
  await sendByHand(place, 10_000 / divisor!, makeEvent)
  for (const [, warm] of scaled) {
    await measure({ ...warm, events: Math.min(warm.events, 10_000) }, place, Math.min(warm.events, 10_000))
  }
  for (let repetition = 0; repetition < repetitions!; repetition++) {
    for (const [, one, values] of scaled) values.push(await measure(one, place, least))
  }
  return Object.fromEntries(scaled.map(([name, , values]) => [name, median(values)]))
}
