/** An ingestion server that records its uploads, and answers when the test says so. */
import { Effect } from "effect"
import { createServer } from "node:http"
import { text } from "node:stream/consumers"
import { listen } from "./listen.js"

interface SentEvent {
  readonly insert_id?: string
  readonly event_type: string
  readonly event_properties: Readonly<Record<string, unknown>>
}

export const make = Effect.gen(function*() {
  const uploads: Array<ReadonlyArray<SentEvent>> = []
  const watching = new Set<() => void>()
  const waiting: Array<() => void> = []
  let isHeld = false
  const server = createServer((request, response) =>
    void text(request).then((body) => {
      uploads.push(JSON.parse(body).events)
      const answer = () => response.setHeader("content-type", "application/json").end(`{"code":200}`)
      if (isHeld) waiting.push(answer)
      else answer()
      for (const look of watching) look()
    }, () => {})
  )
  const port = yield* listen(server, () => server.closeAllConnections())
  return {
    url: `http://127.0.0.1:${port}/2/httpapi`,
    uploads: (): ReadonlyArray<ReadonlyArray<SentEvent>> => uploads,
    events: (): ReadonlyArray<SentEvent> => uploads.flat(),
    /** From now on nothing is answered. */
    hold: Effect.sync(() => {
      isHeld = true
    }),
    /** Answers all waiting requests, and from now on every request at once. */
    release: Effect.sync(() => {
      isHeld = false
      for (const answer of waiting.splice(0)) answer()
    }),
    /** Completes when the uploads fulfil a condition. */
    until: (isThere: (events: ReadonlyArray<SentEvent>) => boolean) =>
      Effect.async<void>((resume) => {
        const look = () => {
          if (isThere(uploads.flat())) resume(Effect.void)
        }
        watching.add(look)
        look()
        return Effect.sync(() => watching.delete(look))
      })
  }
})
