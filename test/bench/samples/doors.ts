/**
 * Every call of the client in one process, as a multiple of `JSON.stringify` and `randomUUID` of the event that it sends.
 * Bursts of the two take turns, so that what disturbs one of them disturbs the other; the median ratio is told.
 */
import { Effect, ManagedRuntime } from "effect"
import { Amplitude } from "effect-amplitude"
import { AmplitudeNode } from "effect-amplitude/AmplitudeNode"
import { optionsOf } from "../contenders/ours.js"
import type { Door } from "../doors.js"
import { doors } from "../doors.js"
import type { Sampler } from "../sample.js"
import { median } from "../statistics.js"

const time = async (burst: () => Promise<void> | void): Promise<number> => {
  const started = process.hrtime.bigint()
  await burst()
  return Number(process.hrtime.bigint() - started)
}

/** Here so that what is made is not left out by the compiler. */
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

export const sample: Sampler = async (_, { bursts, calls, ...place }) => {
  const runtime = ManagedRuntime.make(
    AmplitudeNode.layer(optionsOf({ ...place, waiting: 100_000, hold: true, slow: false }))
  )
  const client = await runtime.runPromise(Amplitude)
  const ratios = new Map(doors.map(({ name }) => [name, new Array<number>()]))
  for (let burst = 0; burst < bursts! * 2; burst++) {
    for (const door of doors) {
      const bareTime = await time(bare(door, calls!))
      const ourTime = await time(() => runtime.runPromise(loop(door, client, calls!)))
      // the first half warms up
      if (burst >= bursts!) ratios.get(door.name)!.push(ourTime / bareTime)
      await runtime.runPromise(client.flush)
    }
  }
  await runtime.dispose()
  if (length === 0) throw new Error("nothing was made")
  return Object.fromEntries([...ratios].map(([name, taken]) => [name, median(taken)]))
}
