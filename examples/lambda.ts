/**
 * A function on AWS Lambda, which is frozen between its calls. The runtime is made once, outside the handler, and lives
 * as long as the instance. Nothing runs while an instance is frozen: each call delivers what it tracked before it
 * answers. If its time is up before that, its events leave with the next call.
 *
 *     AMPLITUDE_API_KEY=... npx tsx examples/lambda.ts
 */
import { Duration, Effect, ManagedRuntime } from "effect"
import { Amplitude, AmplitudeLive } from "effect-amplitude"
import { setTimeout } from "node:timers/promises"
import { fileURLToPath } from "node:url"

const analytics = ManagedRuntime.make(AmplitudeLive)

interface Request {
  readonly userId: string
  readonly sku: string
}

interface Response {
  readonly statusCode: number
  readonly body: string
}

/** The used members of `Context` of the package `@types/aws-lambda`. */
interface Invocation {
  readonly awsRequestId: string
  readonly getRemainingTimeInMillis: () => number
}

/** The time that a call keeps for its answer. */
const reserve = Duration.millis(200)

/**
 * Delivers the waiting events for as long as the call has time. A slow or broken service does not prevent the answer.
 */
const deliver = (invocation: Invocation) =>
  Effect.suspend(() => {
    const remaining = Duration.millis(invocation.getRemainingTimeInMillis())
    return Effect.timeoutOption(Amplitude.flush, Duration.subtract(remaining, reserve))
  })

const order = ({ sku, userId }: Request, { awsRequestId }: Invocation) =>
  Effect.gen(function*() {
    yield* Amplitude.track("Order Placed", { sku, request: awsRequestId }, { user_id: userId })
    return { statusCode: 200, body: `${sku} is on its way` }
  })

export const handler = (request: Request, invocation: Invocation): Promise<Response> =>
  analytics.runPromise(Effect.ensuring(order(request, invocation), deliver(invocation)))

// Run directly, this file makes three calls. Lambda itself imports the handler and no more.

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [index, sku] of ["sku-1", "sku-2", "sku-3"].entries()) {
    if (index > 0) await setTimeout(500)
    const deadline = Date.now() + 1500
    const getRemainingTimeInMillis = () => deadline - Date.now()
    const { body } = await handler({ userId: "user-12345", sku }, {
      awsRequestId: `request-${index + 1}`,
      getRemainingTimeInMillis
    })
    console.log(getRemainingTimeInMillis() > 0 ? body : `${sku} timed out`)
  }
  await analytics.dispose()
}
