/** A worker with one client for all calls. A call with `?flush` waits for the delivery. */
import { Effect, ManagedRuntime } from "effect"
import { Amplitude } from "effect-amplitude"

interface Env {
  readonly AMPLITUDE_SERVER_URL: string
}

let analytics: ManagedRuntime.ManagedRuntime<Amplitude, unknown> | undefined

export default {
  fetch: async (request: Request, env: Env): Promise<Response> => {
    analytics ??= ManagedRuntime.make(Amplitude.layer({
      apiKey: "key",
      serverUrl: env.AMPLITUDE_SERVER_URL,
      flushQueueSize: 1,
      requestTimeout: "500 millis"
    }))
    const { pathname, searchParams } = new URL(request.url)
    await analytics.runPromise(Amplitude.track("Page Viewed", { path: pathname }, { device_id: "device-1" }))
    if (searchParams.has("flush")) await analytics.runPromise(Effect.timeoutOption(Amplitude.flush, "2 seconds"))
    return new Response(pathname)
  }
}
