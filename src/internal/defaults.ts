/**
 * The client that a program has when it chooses no services: its events wait in memory, and its lines go to Effect's logger.
 * What is made here is made for this client alone.
 */
import * as Config from "effect/Config"
import type { ConfigError } from "effect/ConfigError"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Amplitude } from "../Amplitude.js"
import { AmplitudeConfig } from "../AmplitudeConfig.js"
import type { InvalidConfig } from "../AmplitudeError.js"
import type { Transport } from "../Transport.js"
import * as Client from "./client.js"
import * as Loggers from "./loggers.js"
import * as Memory from "./memory.js"

/** A transport, until the scope ends. */
export type Make = Effect.Effect<Transport.Service, never, Scope.Scope>

export const make = (
  transport: Make,
  options: AmplitudeConfig.Options
): Effect.Effect<Amplitude.Client, InvalidConfig, Scope.Scope> => over(transport, AmplitudeConfig.make(options))

export const makeConfig = (
  transport: Make,
  config: Config.Config.Wrap<AmplitudeConfig.Options>
): Effect.Effect<Amplitude.Client, ConfigError | InvalidConfig, Scope.Scope> =>
  over(transport, Effect.flatMap(Config.unwrap(config), AmplitudeConfig.make))

const over = <E>(
  makeTransport: Make,
  configure: Effect.Effect<AmplitudeConfig.Service, E>
): Effect.Effect<Amplitude.Client, E | InvalidConfig, Scope.Scope> =>
  Effect.gen(function*() {
    const config = yield* configure
    const transport = yield* makeTransport
    const services = { config, transport, storage: Memory.make(config), logger: Loggers.effect }
    return yield* Effect.mapError(Client.make(services), Client.toInvalidConfig)
  })
