import { it } from "@effect/vitest"
import { Amplitude, AmplitudeTest, Recorder } from "effect-amplitude"
import { Effect, Layer } from "effect"
it.effect("a recorder", () => Effect.scoped(Layer.build(AmplitudeTest)), 1500)
it.effect("b layer", () => Effect.scoped(Layer.build(Amplitude.layer({ apiKey: "key" }))), 1500)
it.effect("c layer0", () => Effect.scoped(Layer.build(Amplitude.layer({ apiKey: "key", shutdownTimeout: 0 }))), 1500)
it.scoped("d make", () => Amplitude.make({ apiKey: "key" }), 1500)
it.live("e live", () => Effect.scoped(Layer.build(Amplitude.layer({ apiKey: "key" }))), 1500)
it.effect("f yield", () => Effect.scoped(Effect.zipRight(Layer.build(Amplitude.layer({ apiKey: "key" })), Effect.yieldNow())), 1500)
it.effect("g recorder track", () => Effect.provide(Effect.zipRight(Amplitude.track({event_type:"a",user_id:"user-12345"}), Recorder.events), AmplitudeTest), 1500)
