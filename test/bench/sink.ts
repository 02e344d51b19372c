/**
 * A server that takes everything and counts events without parsing: each event of the bench holds `"event_type":` once.
 * It prints its port, answers `GET /` with the count so far, and forgets the count at `DELETE /`.
 */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

const needle = Buffer.from("\"event_type\":")

const countIn = (body: Buffer): number => {
  let found = 0
  for (let at = body.indexOf(needle); at >= 0; at = body.indexOf(needle, at + needle.length)) found++
  return found
}

let events = 0

const server = createServer((request, response) => {
  const chunks: Array<Buffer> = []
  request.on("data", (chunk: Buffer) => chunks.push(chunk))
  request.on("end", () => {
    if (request.method === "DELETE") events = 0
    else events += countIn(Buffer.concat(chunks))
    response.setHeader("content-type", "application/json")
    response.end(request.method === "POST" ? "{\"code\":200}" : JSON.stringify({ events }))
  })
})

server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port))
