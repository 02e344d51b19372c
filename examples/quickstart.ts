/**
 * Every kind of call, once. Run it with your project's key:
 *
 *     AMPLITUDE_API_KEY=... npx tsx examples/quickstart.ts
 */
import { NodeRuntime } from "@effect/platform-node"
import { Effect } from "effect"
import { Amplitude, AmplitudeLive, Identify } from "effect-amplitude"

const program = Effect.gen(function*() {
  // An event as Amplitude's documentation writes it ...
  yield* Amplitude.track({
    event_type: "Button Clicked",
    user_id: "user-12345",
    event_properties: { source: "notification" }
  })
  // ... or its type, its properties and the rest.
  yield* Amplitude.track("Button Clicked", { source: "menu" }, { user_id: "user-12345" })

  // The properties of a user, the groups it is in, and the properties of a group.
  yield* Amplitude.identify(Identify.empty.pipe(Identify.set("plan", "pro"), Identify.add("logins", 1)), {
    user_id: "user-12345"
  })
  yield* Amplitude.setGroup("org_id", ["15", "21"], { user_id: "user-12345" })
  yield* Amplitude.groupIdentify("org_id", "15", Identify.empty.pipe(Identify.set("locale", "en-us")), {
    user_id: "user-12345"
  })

  yield* Amplitude.revenue({ price: 3.99, quantity: 3, productId: "sku-1" }, { user_id: "user-12345" })

  // None of these waits for the network. This does, until every event above has its outcome.
  yield* Amplitude.flush
})

program.pipe(Effect.provide(AmplitudeLive), NodeRuntime.runMain)
