/** The transport over undici itself, which costs less than an `HttpClient` in between. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Undici from "@effect/platform-node/Undici"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import type { TransportError } from "../../AmplitudeError.js"
import type { Transport } from "../../Transport.js"
import { async } from "./async.js"
import { incomplete, notSent, tooLong } from "./errors.js"
import * as Fetch from "./fetch.js"
import { maxBytes, ResponseBody } from "./responseBody.js"

type Dispatcher = Undici.Dispatcher
type Controller = Undici.Dispatcher.DispatchController

/** Bun puts a module of its own in the place of `undici`, and its agents have no `dispatch`. */
const canDispatch = (): boolean => Predicate.isFunction(Undici.Agent.prototype.dispatch)

/**
 * Sends over a pool of connections that are kept alive and closed with the scope. Where undici cannot dispatch, `fetch`
 * sends.
 */
export const make: Effect.Effect<Transport.Service, never, Scope.Scope> = Effect.suspend(() =>
  canDispatch()
    ? Effect.map(NodeHttpClient.makeDispatcher, (dispatcher) => ({ send: send(dispatcher) }))
    : Effect.succeed(Fetch.transport)
)

const send = (dispatcher: Dispatcher): Transport.Service["send"] => {
  const targetOf = lastOf(parse)
  return (request) =>
    async<Transport.Answer, TransportError>((done) => {
      const handler = new Handler(done)
      dispatcher.dispatch(optionsOf(targetOf(request.url), request), handler)
      return () => handler.abort()
    })
}

/** Where a request goes, as undici takes it. */
interface Target {
  readonly origin: string
  readonly path: string
}

const parse = (text: string): Target => {
  const { origin, pathname, search } = new URL(text)
  return { origin, path: pathname + search }
}

/** The same for the same text, which is worked out once as long as it does not change. */
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
  // how long an answer may take is the client's own business
  headersTimeout: 0,
  bodyTimeout: 0
})

type Done = (exit: Exit.Exit<Transport.Answer, TransportError>) => void

/** What undici tells of one exchange. */
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

  /** One that still waits for a connection is aborted when it would begin. */
  abort(): void {
    this.isAborted = true
    this.controller?.abort(aborted)
  }

  onRequestStart(controller: Controller): void {
    this.controller = controller
    if (this.isAborted) controller.abort(aborted)
  }

  onResponseStart(_controller: Controller, status: number, headers: Undici.Dispatcher.ResponseData["headers"]): void {
    // an early hint is no answer yet
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

  /** Lets go of the request and its body. */
  private end(exit: Exit.Exit<Transport.Answer, TransportError>): void {
    this.controller = undefined
    this.done(exit)
  }
}

const aborted = new Error("the request was interrupted")

/** A header that came more than once as one. */
const joined = (headers: Undici.Dispatcher.ResponseData["headers"]): Transport.Answer["headers"] =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value])
  )
