/**
 * One request, one answer: how a body reaches the service. What the answer means is decided elsewhere; an answer of any
 * status is a success here, as long as it arrived whole.
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
 * How requests reach the service.
 *
 * @since 0.1.0
 * @category tags
 */
export class Transport extends Context.Tag("effect-amplitude/Transport")<Transport, Transport.Service>() {
  /**
   * Sends over the `HttpClient` that is provided. Redirects are not followed, the requests are not traced.
   *
   * @since 0.1.0
   */
  static readonly layerHttp: Layer.Layer<Transport, never, HttpClient.HttpClient> = Layer.effect(Transport, Http.make)

  /**
   * Sends over the platform's own `fetch`, or over that of `FetchHttpClient.Fetch` where it is provided. Redirects are
   * not followed.
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
   * @since 0.1.0
   * @category models
   */
  export interface Request {
    readonly url: string
    /** The names are in lower case: `content-type`, and `content-encoding` where the body is compressed. */
    readonly headers: Readonly<Record<string, string>>
    readonly body: Uint8Array
  }

  /**
   * An answer that arrived whole. The names of the headers are in lower case.
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
     * Sends a request and gives its answer, of whatever status, once it has arrived whole. Interruption aborts it. A send
     * that cannot be interrupted is abandoned after `requestTimeout`.
     */
    readonly send: (request: Request) => Effect.Effect<Answer, TransportError>
    /** The most bytes of a body that holds more than one event, where that is less than the service takes. */
    readonly maxBodyBytes?: number | undefined
  }
}
