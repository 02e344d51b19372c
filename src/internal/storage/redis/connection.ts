/** The client of ioredis for a URL. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { Redis } from "ioredis"
import type { StorageError } from "../../../AmplitudeError.js"
import { storageError } from "./server.js"

/** The longest that closing waits for the server, in milliseconds. */
const closingLimit = 1000

/**
 * Connects, and connects again when the connection breaks. Commands fail at once without a connection. They are not
 * queued and not resent, so that no command runs after its caller has given up.
 */
export const make = (url: string): Effect.Effect<Redis, StorageError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.async<Redis, StorageError>((resume) => {
      const client = new Redis(url, {
        lazyConnect: true,
        enableOfflineQueue: false,
        // a server that is loading its data answers each command with an error
        enableReadyCheck: false,
        // without a ready check, ioredis never connects again if the server closes before it answers CLIENT SETINFO
        disableClientInfo: true,
        autoResendUnfulfilledCommands: false,
        maxRetriesPerRequest: 0,
        // after a failover the address can belong to another server
        reconnectOnError: ({ message }) => message.startsWith("READONLY"),
        retryStrategy: (attempt) => Math.min(attempt * 50, 2000)
      })
      let lastError: unknown = undefined
      client.on("error", (error) => {
        lastError = error
      })
      // the first command reports a wrong password
      const ping = () =>
        client.ping().catch((error: Error) => error.message.startsWith("NOPERM") ? undefined : Promise.reject(error))
      client.connect().then(ping).then(
        () => resume(Effect.succeed(client)),
        (error: unknown) => {
          client.disconnect()
          resume(Effect.fail(storageError("migrate", lastError ?? error)))
        }
      )
      return Effect.sync(() => client.disconnect())
    }),
    (client) =>
      Effect.ignore(Effect.timeout(Effect.tryPromise(() => client.quit()), closingLimit)).pipe(
        Effect.zipRight(Effect.sync(() => client.disconnect()))
      )
  )
