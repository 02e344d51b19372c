/**
 * A server whose handlers track. Tracking cannot fail, so that no endpoint declares an error for it. On SIGTERM or
 * SIGINT the server stops, then the client delivers the waiting events.
 *
 * The middleware gives every event the address, agent and language of its request, the user that the gateway has
 * authenticated and named in `x-user-id`, and the device of a cookie.
 *
 *     AMPLITUDE_API_KEY=... PORT=3000 npx tsx examples/http-server.ts
 *     curl -X POST localhost:3000/orders -H 'content-type: application/json' -H 'x-user-id: user-12345' \
 *       -d '{"sku":"sku-1","price":3.99,"quantity":3}'
 */
import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup, HttpApiSchema, HttpServer } from "@effect/platform"
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Config, Effect, Layer, Schema } from "effect"
import { Amplitude, AmplitudeLive } from "effect-amplitude"
import * as AmplitudeMiddleware from "effect-amplitude/AmplitudeMiddleware"
import { createServer } from "node:http"

// The API

class OrderRequest extends Schema.Class<OrderRequest>("OrderRequest")({
  sku: Schema.NonEmptyString,
  price: Schema.Positive,
  quantity: Schema.Int.pipe(Schema.positive())
}) {}

class Order extends Schema.Class<Order>("Order")({ sku: Schema.String, total: Schema.Number }) {}

class OutOfStock extends Schema.TaggedError<OutOfStock>()(
  "OutOfStock",
  { sku: Schema.String },
  HttpApiSchema.annotations({ status: 409 })
) {}

class Song extends Schema.Class<Song>("Song")({ id: Schema.Int, title: Schema.String }) {}

class SongNotFound extends Schema.TaggedError<SongNotFound>()(
  "SongNotFound",
  { id: Schema.Int },
  HttpApiSchema.annotations({ status: 404 })
) {}

class Shop extends HttpApiGroup.make("shop")
  .add(HttpApiEndpoint.post("order", "/orders").setPayload(OrderRequest).addSuccess(Order).addError(OutOfStock))
  .add(
    HttpApiEndpoint.get("song", "/songs/:id")
      .setPath(Schema.Struct({ id: Schema.NumberFromString.pipe(Schema.int()) }))
      .addSuccess(Song)
      .addError(SongNotFound)
  )
{}

class Api extends HttpApi.make("api").add(Shop) {}

// The handlers. Their types show that tracking adds no errors.

const stock: ReadonlySet<string> = new Set(["sku-1", "sku-2"])
const songs: ReadonlyMap<number, string> = new Map([[1, "So What"], [2, "Blue in Green"]])

const order = ({ price, quantity, sku }: OrderRequest): Effect.Effect<Order, OutOfStock, Amplitude> =>
  Effect.gen(function*() {
    if (!stock.has(sku)) {
      yield* Amplitude.track("Order Refused", { sku, reason: "out of stock" })
      return yield* new OutOfStock({ sku })
    }
    yield* Amplitude.track("Order Placed", { sku, quantity })
    yield* Amplitude.revenue({ price, quantity, productId: sku })
    return new Order({ sku, total: price * quantity })
  })

const song = (id: number): Effect.Effect<Song, SongNotFound, Amplitude> =>
  Effect.gen(function*() {
    const title = songs.get(id)
    if (title === undefined) {
      return yield* new SongNotFound({ id })
    }
    yield* Amplitude.track("Song Viewed", { id, title })
    return new Song({ id, title })
  })

const ShopLive = HttpApiBuilder.group(Api, "shop", (handlers) =>
  handlers
    .handle("order", ({ payload }) => order(payload))
    .handle("song", ({ path }) => song(path.id)))

// The server. Layers close in the reverse order of their start: the server answers its last request, then the client
// delivers the waiting events.

/** Behind your own proxy, add `trustForwarded: 1`: the address is then read from `x-forwarded-for`. */
const analytics = AmplitudeMiddleware.make({
  eventOptions: ({ cookies, headers }) => ({ user_id: headers["x-user-id"], device_id: cookies.device_id })
})

const ServerLive = HttpApiBuilder.serve(analytics).pipe(
  HttpServer.withLogAddress,
  Layer.provide(Layer.provide(HttpApiBuilder.api(Api), ShopLive)),
  Layer.provide(NodeHttpServer.layerConfig(createServer, { port: Config.withDefault(Config.integer("PORT"), 0) })),
  Layer.provide(AmplitudeLive)
)

Layer.launch(ServerLive).pipe(NodeRuntime.runMain)
