/**
 * What an upload costs the process that takes it. The server is in this process; what sends is in one of its own.
 * `json-parse` reads the same bodies, and `node-http` is a server that reads them as bytes and answers.
 */
import { Effect, Exit, Scope } from "effect"
import { DevServer } from "effect-amplitude/DevServer"
import { fork } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { cpuSeconds } from "../cpu.js"
import { builtOf } from "../paths.js"
import type { Figures, Params, Sampler } from "../sample.js"
import { uploadOf } from "../upload.js"

interface Taken {
  readonly taken: number
  readonly slowest: number
  readonly seconds: number
}

interface Server {
  readonly url: string
  readonly close: () => Promise<unknown>
}

const nodeHttp = async (): Promise<Server> => {
  const server = createServer((request, response) => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      const { length } = Buffer.concat(chunks)
      response.writeHead(200, { "content-type": "application/json" }).end(`{"code":200,"payload_size_bytes":${length}}`)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/batch`,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve)
        server.closeAllConnections()
      })
  }
}

const devServer = async (): Promise<Server> => {
  const scope = await Effect.runPromise(Scope.make())
  const server = await Effect.runPromise(Scope.extend(DevServer.make(), scope))
  return { url: server.urlBatch, close: () => Effect.runPromise(Scope.close(scope, Exit.void)) }
}

const heap = (): number => {
  for (let times = 0; times < 3; times++) gc!()
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

const serve = async (open: () => Promise<Server>, params: Params): Promise<Figures> => {
  const { events = 1000, held = 10_000, uploads = 100, warm = 20 } = params
  const server = await open()
  const child = fork(builtOf("load.js"), { stdio: ["ignore", "inherit", "inherit", "ipc"] })
  const load = async (uploads: number, from: number, every: number): Promise<Taken> => {
    const done = once(child, "message") as Promise<[Taken]>
    child.send({ url: server.url, uploads, events, from, every })
    return (await done)[0]
  }
  const empty = heap()
  await load(held / events, 0, 0)
  const full = heap()
  await load(warm, held / events, 0)
  const before = cpuSeconds()
  const { seconds, taken } = await load(uploads, held / events + warm, 0)
  const cpu = cpuSeconds() - before
  const steady = await load(uploads, held / events + warm + uploads, 1000 * events / 10_000)
  const after = heap()
  child.kill()
  await server.close()
  return {
    cpu: cpu / (uploads * events),
    perSecond: taken * events / seconds,
    heldBytes: (full - empty) / held,
    heapGrowth: after / full,
    lost: (uploads - steady.taken) * events,
    slowest: steady.slowest
  }
}

const parse = ({ events = 1000, uploads = 100, warm = 20 }: Params): Figures => {
  let cpu = 0
  let bytes = 0
  let begun = performance.now()
  for (let index = 0; index < warm + uploads; index++) {
    const body = Buffer.from(uploadOf(index, events)).toString()
    if (index === warm) begun = performance.now()
    const before = cpuSeconds()
    bytes += JSON.parse(body).events.length > 0 ? body.length : 0
    if (index >= warm) cpu += cpuSeconds() - before
  }
  return {
    cpu: cpu / (uploads * events),
    perSecond: uploads * events / ((performance.now() - begun) / 1000),
    bytes: bytes / ((warm + uploads) * events)
  }
}

export const sample: Sampler = async (name, params) =>
  name === "json-parse" ? parse(params) : await serve(name === "node-http" ? nodeHttp : devServer, params)
