/** The state of the endpoint at one URL. A change of the URL begins with a new state. */
import type { AmplitudeConfig } from "../../AmplitudeConfig.js"
import type { Backoff } from "./backoff.js"
import * as MakeBackoff from "./backoff.js"
import { BatchLimits } from "./batchLimits.js"
import * as Request from "./request.js"

export interface Endpoint {
  readonly url: string
  readonly backoff: Backoff
  readonly limits: BatchLimits
}

export interface Endpoints {
  /** The endpoint of the current settings. */
  readonly current: (settings: AmplitudeConfig.Settings) => Endpoint
}

const make = (url: string): Endpoint => ({ url, backoff: MakeBackoff.make(), limits: new BatchLimits() })

export const makeAll = (settings: AmplitudeConfig.Settings): Endpoints => {
  let endpoint = make(Request.url(settings))
  return {
    current: (settings) => {
      const url = Request.url(settings)
      if (url !== endpoint.url) {
        endpoint.backoff.end()
        endpoint = make(url)
      }
      return endpoint
    }
  }
}
