/**
 * A fleet that shares an outbox in Postgres. Web processes only store events: they neither poll nor send, and nothing
 * is lost when they are killed. One or more workers send. Start as many of each as you like.
 *
 *     DATABASE_URL=postgres://localhost/shop AMPLITUDE_API_KEY=... PORT=3000 npx tsx examples/worker-fleet.ts web
 *     DATABASE_URL=postgres://localhost/shop AMPLITUDE_API_KEY=... npx tsx examples/worker-fleet.ts worker
 *     curl -X POST localhost:3000/clicks/user-12345
 */
import { HttpRouter, HttpServer, HttpServerResponse } from "@effect/platform"
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { PgClient } from "@effect/sql-pg"
import { Config, Effect, Layer } from "effect"
import { Amplitude } from "effect-amplitude"
import { AmplitudeNode } from "effect-amplitude/AmplitudeNode"
import { SqlEventStorage } from "effect-amplitude/SqlEventStorage"
import { createServer } from "node:http"

const role = process.argv[2] === "worker" ? "worker" : "web"

// the events of a worker that dies pass to the others after the duration of a lease
const Storage = SqlEventStorage.layerConfig({
  leaseDuration: Config.duration("LEASE_DURATION").pipe(Config.withDefault("10 seconds"))
}).pipe(
  Layer.provide(PgClient.layerConfig({ url: Config.redacted("DATABASE_URL") }))
)

const AmplitudeShared = AmplitudeNode.layerStorageConfig({
  apiKey: Config.redacted("AMPLITUDE_API_KEY"),
  serverUrl: Config.string("AMPLITUDE_SERVER_URL").pipe(Config.withDefault(undefined)),
  flushInterval: Config.duration("AMPLITUDE_FLUSH_INTERVAL").pipe(Config.withDefault("1 second")),
  deliver: Config.succeed(role === "worker")
}).pipe(Layer.provide(Storage))

const Web = HttpRouter.empty.pipe(
  HttpRouter.post(
    "/clicks/:user",
    Effect.gen(function*() {
      const { user } = yield* HttpRouter.params
      yield* Amplitude.track("Button Clicked", {}, { user_id: user! })
      return HttpServerResponse.empty({ status: 202 })
    })
  ),
  HttpServer.serve(),
  HttpServer.withLogAddress,
  Layer.provide(
    NodeHttpServer.layerConfig(createServer, { port: Config.integer("PORT").pipe(Config.withDefault(3000)) })
  )
)

// a worker only keeps its client running
const Worker = Layer.effectDiscard(Effect.log("delivering"))

Layer.launch(Layer.provide(role === "worker" ? Layer.merge(Worker, Layer.service(Amplitude)) : Web, AmplitudeShared))
  .pipe(
    NodeRuntime.runMain
  )
