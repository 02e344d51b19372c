/**
 * A program that is written with promises. A `ManagedRuntime` holds the client.
 *
 *     AMPLITUDE_API_KEY=... npx tsx examples/plain-promise.ts
 */
import { ManagedRuntime } from "effect"
import { Amplitude, AmplitudeLive } from "effect-amplitude"

const analytics = ManagedRuntime.make(AmplitudeLive)

interface User {
  readonly id: string
  readonly plan: string
}

const signUp = async (id: string): Promise<User> => {
  const user: User = { id, plan: "free" }
  // Resolves when the event is taken, before it is sent. Neither the event nor the network can make it reject.
  await analytics.runPromise(Amplitude.track("Signed Up", { plan: user.plan }, { user_id: user.id }))
  return user
}

const upgrade = async (user: User): Promise<User> => {
  const upgraded: User = { ...user, plan: "pro" }
  await analytics.runPromise(Amplitude.track("Plan Upgraded", { from: user.plan, to: upgraded.plan }, {
    user_id: user.id
  }))
  await analytics.runPromise(Amplitude.revenue({ price: 49, productId: "pro" }, { user_id: user.id }))
  return upgraded
}

try {
  const user = await upgrade(await signUp("user-12345"))
  console.log(`${user.id} is on the ${user.plan} plan`)
} finally {
  // Delivers the waiting events.
  await analytics.dispose()
}
