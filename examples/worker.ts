/**
 * A Cloudflare Worker. The runtime of Workers ends all timers and requests of a call when the call is over, so that no
 * client can outlive the call that built it: each call builds its own. The answer does not wait for Amplitude:
 * `waitUntil` keeps the call alive until the client has delivered and is closed.
 *
 *     npx wrangler dev examples/worker.ts --var AMPLITUDE_API_KEY:...
 */
import { Effect, ManagedRuntime } from "effect"
import { Amplitude } from "effect-amplitude"

interface Env {
  readonly AMPLITUDE_API_KEY: string
  readonly AMPLITUDE_SERVER_URL?: string
}

/** The used members of `ExecutionContext` of the package `@cloudflare/workers-types`. */
interface ExecutionContext {
  readonly waitUntil: (promise: Promise<unknown>) => void
}

const handle = (request: Request): Effect.Effect<Response, never, Amplitude> =>
  Effect.gen(function*() {
    const { pathname } = new URL(request.url)
    yield* Amplitude.track("Page Viewed", { path: pathname }, {
      device_id: request.headers.get("x-device-id") ?? "unknown-device"
    })
    return new Response(`You are at ${pathname}\n`)
  })

export default {
  fetch: async (request: Request, env: Env, context: ExecutionContext): Promise<Response> => {
    const analytics = ManagedRuntime.make(Amplitude.layer({
      apiKey: env.AMPLITUDE_API_KEY,
      serverUrl: env.AMPLITUDE_SERVER_URL,
      // `waitUntil` allows 30 seconds.
      shutdownTimeout: "25 seconds"
    }))
    try {
      return await analytics.runPromise(handle(request))
    } finally {
      context.waitUntil(analytics.dispose())
    }
  }
}
