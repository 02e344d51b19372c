/**
 * A server that is not written with Effect. It uses `node:http`, and with Express it is the same. A `ManagedRuntime`
 * holds the client. It is made once. When the program stops, the runtime is disposed of, which delivers the waiting
 * events.
 *
 *     AMPLITUDE_API_KEY=... PORT=3000 npx tsx examples/node-server.ts
 */
import { ManagedRuntime } from "effect"
import { Amplitude, AmplitudeLive } from "effect-amplitude"
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

const analytics = ManagedRuntime.make(AmplitudeLive)

// Builds the client now, so that the program does not start with invalid settings.
await analytics.runtime()

const server = createServer((request, response) => {
  const path = request.url ?? "/"
  // Nobody waits for this, and it cannot fail.
  analytics.runFork(Amplitude.track("Page Viewed", { path }, { user_id: "user-12345" }))
  if (path === "/bug") {
    setImmediate(() => {
      throw new Error("a bug")
    })
  }
  response.end(`You are at ${path}\n`)
})

// Ends the requests first, then delivers their events. Afterwards nothing keeps the process alive.
const stop = async (): Promise<void> => {
  server.close()
  await once(server, "close")
  await analytics.dispose()
}

process.once("SIGTERM", () => void stop())
process.once("SIGINT", () => void stop())
process.once("uncaughtException", (error) => {
  console.error(error)
  process.exitCode = 1
  void stop()
})

server.listen(Number(process.env["PORT"] ?? 0), "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
