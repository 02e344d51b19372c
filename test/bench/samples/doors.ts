/**
 * One call of the client and the event that it sends, and `JSON.stringify` and `randomUUID` of that event. Bursts of
 * the two take turns, so that what disturbs one of them disturbs the other.
 */
import { Effect, ManagedRuntime } from "effect"
import { Amplitude } from "effect-amplitude"
import { AmplitudeNode } from "effect-amplitude/AmplitudeNode"
import { optionsOf } from "../contenders/ours.js"
import type { Door } from "../doors.js"
import { doors } from "../doors.js"
import type { Sampler } from "../sample.js"
import { median } from "../statistics.js"

/** The nanoseconds of CPU of a burst, without the CPU of other programs. */
const cpuOf = async (burst: () => Promise<void> | void): Promise<number> => {
  const before = process.cpuUsage()
  await burst()
  const { system, user } = process.cpuUsage(before)
  return (system + user) * 1000
}

/** Holds a result, so that the compiler cannot remove the code that makes it. */
let length = 0

const bare = ({ sent }: Door, calls: number) => (): void => {
  for (let index = 0; index < calls; index++) length += JSON.stringify(sent(index)).length + crypto.randomUUID().length
}

const loop = ({ call, within }: Door, client: Amplitude.Client, calls: number): Effect.Effect<void> => {
  const loop = Effect.suspend(() => {
    let index = 0
    return Effect.whileLoop({ while: () => index < calls, body: () => call(client, index++), step: () => {} })
  })
  return within === undefined ? loop : within(loop)
}

export const sample: Sampler = async (name, { bursts, calls, ...place }) => {
  const door = doors.find((door) => door.name === name)
  if (door === undefined) throw new Error(`no door ${name}`)
  const runtime = ManagedRuntime.make(
    AmplitudeNode.layer(optionsOf({ ...place, waiting: 100_000, hold: true, slow: false }))
  )
  const client = await runtime.runPromise(Amplitude)
  const bareTimes: Array<number> = []
  const times: Array<number> = []
  for (let burst = 0; burst < bursts! * 2; burst++) {
    const bareTime = await cpuOf(bare(door, calls!))
    const ourTime = await cpuOf(() => runtime.runPromise(loop(door, client, calls!)))
    // the first half warms up
    if (burst >= bursts!) {
      bareTimes.push(bareTime / calls!)
      times.push(ourTime / calls!)
    }
    await runtime.runPromise(client.flush)
  }
  await runtime.dispose()
  if (length === 0) throw new Error("nothing was made")
  const ratios = times.map((taken, burst) => taken / bareTimes[burst]!)
  return { nanoseconds: median(times), bare: median(bareTimes), ratio: median(ratios) }
}
