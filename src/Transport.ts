/**
 * The transport sends one request and gives its answer. An answer of any status is a success here if it arrived whole:
 * the client decides what it means.
 *
 * @since 0.1.0
 */
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { TransportError } from "./AmplitudeError.js"
import * as Fetch from "./internal/transport/fetch.js"
import * as Http from "./internal/transport/httpClient.js"

/**
 * The service that sends the requests of a client.
 *
 * @since 0.1.0
 * @category tags
 */
export class Transport extends Context.Tag("effect-amplitude/Transport")<Transport, Transport.Service>() {
  /**
   * Sends over the `HttpClient` of the context. It does not follow redirects and does not trace the requests.
   *
   * @since 0.1.0
   */
  static readonly layerHttp: Layer.Layer<Transport, never, HttpClient.HttpClient> = Layer.effect(Transport, Http.make)

  /**
   * Sends over the platform's `fetch`, or over `FetchHttpClient.Fetch` if it is provided. It does not follow redirects.
   *
   * @since 0.1.0
   */
  static readonly layerFetch: Layer.Layer<Transport> = Layer.succeed(Transport, Fetch.transport)
}

/**
 * @since 0.1.0
 */
export declare namespace Transport {
  /**
   * A `POST` request.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Request {
    readonly url: string
    /** The names are in lower case: `content-type`, and `content-encoding` if the body is compressed. */
    readonly headers: Readonly<Record<string, string>>
    readonly body: Uint8Array
  }

  /**
   * A whole answer. The names of the headers are in lower case.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Answer {
    readonly status: number
    readonly headers: Readonly<Record<string, string | undefined>>
    readonly body: string
  }

  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /**
     * Sends a request and gives its whole answer, whatever the status. Interruption aborts the request. A `send` that
     * cannot be interrupted is abandoned after `requestTimeout`.
     */
    readonly send: (request: Request) => Effect.Effect<Answer, TransportError>
    /** The most bytes of a body with more than one event, if this transport takes less than Amplitude does. */
    readonly maxBodyBytes?: number | undefined
  }
}
