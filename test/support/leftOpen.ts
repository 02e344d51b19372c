/** A program that tracks an event, and never closes its client. */
import { ManagedRuntime } from "effect"
import { Amplitude } from "effect-amplitude"
import { AmplitudeNode } from "effect-amplitude/AmplitudeNode"

const layer = process.argv[2] === "fetch" ? Amplitude.layer : AmplitudeNode.layer
const serverUrl = process.env["AMPLITUDE_SERVER_URL"]!

const runtime = ManagedRuntime.make(layer({ apiKey: "key", serverUrl, flushInterval: "100 millis" }))
runtime.runFork(Amplitude.track("Left Open", {}, { user_id: "user-12345" }))
