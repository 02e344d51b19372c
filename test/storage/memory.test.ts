import { Effect, Layer, TestClock } from "effect"
import { Context } from "effect"
import { EventStorage } from "effect-amplitude/EventStorage"
import { storageContract } from "./contract.js"

storageContract("EventStorage.layerMemory", {
  clock: "test",
  wait: (millis) => TestClock.adjust(millis),
  durability: "process",
  capacity: "exact",
  leaseDuration: undefined,
  make: Effect.map(
    Layer.build(Layer.fresh(EventStorage.layerMemory)),
    (context) => Effect.succeed({ storage: Context.get(context, EventStorage), freeze: Effect.void, thaw: Effect.void })
  ),
  runs: 300
})
