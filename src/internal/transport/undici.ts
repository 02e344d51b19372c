/** The transport over undici. It calls undici directly, since an `HttpClient` costs more. */
import * as Undici from "@effect/platform-node/Undici"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import { setMaxListeners } from "node:events"
import type { TransportError } from "../../AmplitudeError.js"
import type { Transport } from "../../Transport.js"
import { async } from "./async.js"
import { incomplete, notSent, tooLong } from "./errors.js"
import * as Fetch from "./fetch.js"
import { maxBytes, ResponseBody } from "./responseBody.js"

type Dispatcher = Undici.Dispatcher
type Controller = Undici.Dispatcher.DispatchController

/** Whether undici can dispatch. Bun replaces `undici` with a module whose agents have no `dispatch`. */
const canDispatch = (): boolean => Predicate.isFunction(Undici.Agent.prototype.dispatch)

/**
 * Sends over a pool of keep-alive connections, which closes with the scope. Without `dispatch`, it sends over `fetch`.
 */
export const make: Effect.Effect<Transport.Service, never, Scope.Scope> = Effect.suspend(() =>
  canDispatch()
    ? Effect.map(makeDispatcher, (dispatcher) => ({ send: send(dispatcher) }))
    : Effect.succeed(Fetch.transport)
)

/** The signal ends connections that are not established yet. An agent that is destroyed waits for them up to 10 seconds. */
const makeDispatcher: Effect.Effect<Dispatcher, never, Scope.Scope> = Effect.suspend(() => {
  const connecting = new AbortController()
  // each open connection listens to the signal
  setMaxListeners(0, connecting.signal)
  return Effect.acquireRelease(
    Effect.sync(() => new Undici.Agent({ connect: { signal: connecting.signal } })),
    (dispatcher) => Effect.map(Effect.promise(() => dispatcher.destroy()), () => connecting.abort())
  )
})

const send = (dispatcher: Dispatcher): Transport.Service["send"] => {
  const targetOf = lastOf(parse)
  return (request) =>
    async<Transport.Answer, TransportError>((done) => {
      const handler = new Handler(done)
      dispatcher.dispatch(optionsOf(targetOf(request.url), request), handler)
      return () => handler.abort()
    })
}

/** The URL of a request in the form of undici. */
interface Target {
  readonly origin: string
  readonly path: string
}

const parse = (text: string): Target => {
  const { origin, pathname, search } = new URL(text)
  return { origin, path: pathname + search }
}

/** Memoizes the last result: a client sends to the same URL again and again. */
const lastOf = <A>(f: (text: string) => A): (text: string) => A => {
  let last: { readonly text: string; readonly value: A } | undefined
  return (text) => {
    if (last?.text !== text) last = { text, value: f(text) }
    return last.value
  }
}

const optionsOf = (
  target: Target,
  { body, headers }: Transport.Request
): Undici.Dispatcher.DispatchOptions => ({
  ...target,
  method: "POST",
  headers,
  body,
  // the client has its own timeouts
  headersTimeout: 0,
  bodyTimeout: 0
})

type Done = (exit: Exit.Exit<Transport.Answer, TransportError>) => void

/** The handler of one request. */
class Handler implements Undici.Dispatcher.DispatchHandler {
  private readonly done: Done
  controller: Controller | undefined = undefined
  isAborted = false
  status = 0
  headers: Undici.Dispatcher.ResponseData["headers"] = {}
  private readonly body = new ResponseBody()

  constructor(done: Done) {
    this.done = done
  }

  /** Aborts the request. A request that still waits for a connection is aborted when it starts. */
  abort(): void {
    this.isAborted = true
    this.controller?.abort(aborted)
  }

  onRequestStart(controller: Controller): void {
    this.controller = controller
    if (this.isAborted) controller.abort(aborted)
  }

  onResponseStart(_controller: Controller, status: number, headers: Undici.Dispatcher.ResponseData["headers"]): void {
    // an informational answer, such as early hints, comes before the real one
    if (status < 200) return
    this.status = status
    this.headers = headers
  }

  onResponseData(_controller: Controller, chunk: Uint8Array): void {
    if (!this.body.add(chunk)) this.abort()
  }

  onResponseEnd(): void {
    this.end(Exit.succeed({ status: this.status, headers: joined(this.headers), body: this.body.text() }))
  }

  onResponseError(_controller: Controller, error: Error): void {
    this.end(Exit.fail(
      this.body.isTooLong ? tooLong(maxBytes) : this.status === 0 ? notSent(error) : incomplete(error)
    ))
  }

  /** Ends the request, and drops the reference to it and its body. */
  private end(exit: Exit.Exit<Transport.Answer, TransportError>): void {
    this.controller = undefined
    this.done(exit)
  }
}

const aborted = new Error("the request was interrupted")

/** Joins the values of a repeated header. */
const joined = (headers: Undici.Dispatcher.ResponseData["headers"]): Transport.Answer["headers"] =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value])
  )
