/** A page in a browser: a client over `AmplitudeBrowser`, and the calls of it that a test makes. */
import { Effect, ManagedRuntime } from "effect"
import { Amplitude } from "effect-amplitude"
import { AmplitudeBrowser } from "effect-amplitude/AmplitudeBrowser"

const serverUrl = new URLSearchParams(location.search).get("serverUrl")!
const runtime = ManagedRuntime.make(AmplitudeBrowser.layer({ apiKey: "key", serverUrl, flushInterval: "1 hour" }))

declare global {
  interface Window {
    track: (count: number, textLength: number) => Promise<void>
    flush: () => Promise<void>
    hide: () => void
    trackWhenLeft: () => void
    useBudget: (bytes: number) => void
  }
}

const clicked = (index: number, textLength: number) => ({
  event_type: "Clicked",
  device_id: "device-1",
  event_properties: { index, text: "x".repeat(textLength) }
})

window.track = (count, textLength) =>
  runtime.runPromise(Effect.forEach(
    Array.from({ length: count }, (_, index) => clicked(index, textLength)),
    (event) => Amplitude.track(event),
    { discard: true }
  ))

window.flush = () => runtime.runPromise(Amplitude.flush)

window.hide = () => {
  Object.defineProperty(document, "visibilityState", { configurable: true, value: "hidden" })
  document.dispatchEvent(new Event("visibilitychange"))
}

/** Tracks an event after the client has handled `pagehide`, and one at the last `visibilitychange`. */
window.trackWhenLeft = () => {
  addEventListener("pagehide", () => void runtime.runFork(Amplitude.track(clicked(100, 0))))
  document.addEventListener("visibilitychange", () => void runtime.runFork(Amplitude.track(clicked(101, 0))))
}

/** Another script, which uses a part of what the browser takes from a page that is left. */
window.useBudget = (bytes) => void fetch("/other", { method: "POST", keepalive: true, body: new Uint8Array(bytes) })

// Builds the client.
await runtime.runPromise(Amplitude.config)
