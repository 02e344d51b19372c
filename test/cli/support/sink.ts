/** An ingestion server that records its uploads, and answers as a test says. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { buffer } from "node:stream/consumers"
import { afterAll } from "vitest"

export interface Upload {
  readonly path: string
  readonly apiKey: string
  readonly events: ReadonlyArray<any>
}

export interface Answer {
  readonly status: number
  readonly body: unknown
}

export interface Sink {
  readonly url: string
  readonly uploads: Array<Upload>
  /** The events of the uploads with a 200, in the order of their arrival. */
  readonly events: () => ReadonlyArray<any>
}

/** Listens until the tests of the file are over. `answer` may take its time. */
export const sink = async (
  answer: (upload: Upload, index: number) => Answer | undefined | Promise<Answer | undefined> = () => undefined
): Promise<Sink> => {
  const uploads: Array<Upload> = []
  const taken: Array<any> = []
  const server = createServer((request, response) =>
    void buffer(request).then(async (body) => {
      const { api_key: apiKey, events } = JSON.parse(body.toString("utf8"))
      const upload = { path: request.url!, apiKey, events }
      const index = uploads.push(upload) - 1
      const answered = await answer(upload, index)
      if (answered === undefined) { for (const event of events) taken.push(event) }
      response.writeHead(answered?.status ?? 200, { "content-type": "application/json" })
      response.end(JSON.stringify(answered?.body ?? { code: 200, events_ingested: events.length }))
    }, () => response.destroy())
  )
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, uploads, events: () => taken }
}
