/** A call that is interrupted before any of its operations: its event is accepted and delivered, or it never was there. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { Amplitude, AmplitudeConfig, AmplitudeLogger, EventStorage, Transport } from "effect-amplitude"
import { interruptedAt } from "../support/interruptedAt.js"
import { typesOf } from "../support/scripted.js"

/** How many calls of `append` have begun, and how many of these are over. */
interface Appends {
  begun: number
  over: number
}

/** A storage that answers its first calls at once, and those after them later. */
const answering = (storage: EventStorage.Service, appends: Appends, atOnce: number): EventStorage.Service => ({
  ...storage,
  append: (events, options) =>
    Effect.suspend(() => {
      const isAtOnce = appends.begun++ < atOnce
      const append = Effect.suspend(() => {
        appends.over++
        return storage.append(events, options)
      })
      return isAtOnce ? append : Effect.zipRight(Effect.yieldNow(), append)
    })
})

const event = (name: string) => ({ event_type: name, user_id: "user-12345" })

const calls: ReadonlyArray<
  readonly [name: string, call: (client: Amplitude.Client, name: string) => Effect.Effect<unknown, unknown>]
> = [
  ["track", (client, name) => client.track(event(name))],
  ["trackOrFail", (client, name) => client.trackOrFail(event(name))],
  ["trackAndWait", (client, name) => client.trackAndWait(event(name))],
  ["trackAll", (client, name) => client.trackAll([event(name)])]
]

const storages = [
  ["that answers at once", Infinity],
  ["that no longer answers at once", 1],
  ["that never answers at once", 0]
] as const

for (const [kind, atOnce] of storages) {
  describe(`over a storage ${kind}`, () => {
    for (const [name, call] of calls) {
      it.scopedLive(`${name} that is interrupted leaves its event accepted, or nothing`, () =>
        Effect.forEach(
          Array.from({ length: 25 }, (_, index) => index + 1),
          (operation) =>
            Effect.scoped(Effect.gen(function*() {
              const appends: Appends = { begun: 0, over: 0 }
              const sent: Array<string> = []
              const reported: Array<string> = []
              const context = yield* Layer.build(Amplitude.layerServices.pipe(
                Layer.provideMerge(Layer.effect(
                  EventStorage,
                  Effect.map(EventStorage, (storage) => answering(storage, appends, atOnce))
                )),
                Layer.provide([
                  EventStorage.layerMemory,
                  AmplitudeLogger.layerNone,
                  Layer.succeed(Transport, {
                    send: ({ body }) =>
                      Effect.sync(() => {
                        sent.push(
                          ...typesOf((JSON.parse(new TextDecoder().decode(body)) as { readonly events: [] }).events)
                        )
                        return { status: 200, headers: {}, body: "" }
                      })
                  })
                ]),
                Layer.provide(AmplitudeConfig.layer({
                  apiKey: "a-secret-key",
                  flushInterval: 1,
                  callback: (report) => Effect.sync(() => reported.push(...typesOf([report.event])))
                }))
              ))
              const client = Context.get(context, Amplitude)
              yield* client.trackOrFail(event("first"))
              yield* interruptedAt(call(client, "second"), operation)
              // unlike flush, it also waits for an append that was begun for the interrupted call
              yield* client.shutdown
              assert.strictEqual(appends.over, appends.begun, `operation ${operation}`)
              assert.strictEqual(sent.length, appends.over)
              assert.deepStrictEqual(reported, sent)
              assert.strictEqual(yield* Context.get(context, EventStorage).count(), 0)
            })),
          { discard: true }
        ))
    }
  })
}
