/** A server of raw connections on a free port. */
import { Effect } from "effect"
import type { Socket } from "node:net"
import { createServer } from "node:net"
import { listen } from "./listen.js"

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
    return {
      port: yield* listen(server, disconnect),
      /** Destroys the connections that are open now. */
      disconnect: Effect.sync(disconnect)
    }
  })
