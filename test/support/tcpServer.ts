/** A server of raw connections on a free port. */
import { Effect } from "effect"
import type { AddressInfo, Socket } from "node:net"
import { createServer } from "node:net"

/** `onConnection` gets each connection. Those that are left are destroyed at the end. */
export const make = (onConnection: (socket: Socket) => void) =>
  Effect.gen(function*() {
    const sockets = new Set<Socket>()
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.on("error", () => {})
      onConnection(socket)
    })
    const disconnect = () => {
      for (const socket of sockets) socket.destroy()
      sockets.clear()
    }
    yield* Effect.acquireRelease(
      Effect.promise(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))),
      () =>
        Effect.promise(() =>
          new Promise((resolve) => {
            server.close(resolve)
            disconnect()
          })
        )
    )
    return {
      port: (server.address() as AddressInfo).port,
      /** Destroys the connections that are open now. */
      disconnect: Effect.sync(disconnect)
    }
  })
