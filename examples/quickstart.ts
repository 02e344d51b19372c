/**
 * Each kind of call, once:
 *
 *     AMPLITUDE_API_KEY=... npx tsx examples/quickstart.ts
 */
import { NodeRuntime } from "@effect/platform-node"
import { Effect } from "effect"
import { Amplitude, AmplitudeLive, Identify } from "effect-amplitude"

const program = Effect.gen(function*() {
  // An event, with the field names of Amplitude's documentation.
  yield* Amplitude.track({
    event_type: "Button Clicked",
    user_id: "user-12345",
    event_properties: { source: "notification" }
  })
  // The same call with the type, the properties and the other fields as arguments.
  yield* Amplitude.track("Button Clicked", { source: "menu" }, { user_id: "user-12345" })

  // The properties of a user, the groups of a user, and the properties of a group.
  yield* Amplitude.identify(Identify.empty.pipe(Identify.set("plan", "pro"), Identify.add("logins", 1)), {
    user_id: "user-12345"
  })
  yield* Amplitude.setGroup("org_id", ["15", "21"], { user_id: "user-12345" })
  yield* Amplitude.groupIdentify("org_id", "15", Identify.empty.pipe(Identify.set("locale", "en-us")), {
    user_id: "user-12345"
  })

  yield* Amplitude.revenue({ price: 3.99, quantity: 3, productId: "sku-1" }, { user_id: "user-12345" })

  // The calls above do not wait for the network. This one does, until each event has its outcome.
  yield* Amplitude.flush
})

program.pipe(Effect.provide(AmplitudeLive), NodeRuntime.runMain)
