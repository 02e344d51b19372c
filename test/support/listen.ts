import { Effect } from "effect"
import type { AddressInfo, Server } from "node:net"

/** Listens on a free port until the scope closes. The result is the port. */
export const listen = (server: Server, closeConnections: () => void) =>
  Effect.acquireRelease(
    Effect.promise(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))),
    () =>
      Effect.promise(() =>
        new Promise((resolve) => {
          server.close(resolve)
          closeConnections()
        })
      )
  ).pipe(Effect.map(() => (server.address() as AddressInfo).port))
