/** `dev`, alone and while a command runs. */
import { assert, describe, it } from "@effect/vitest"
import { readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { afterAll, beforeAll } from "vitest"
import type { Running } from "./support/cli.js"
import { bundle, run, start, temporaryFolder } from "./support/cli.js"

describe("dev", { timeout: 60_000 }, () => {
  let bin: string
  const folder = temporaryFolder()
  const running = new Set<Running>()
  beforeAll(() => {
    bin = bundle()
  }, 60_000)
  afterAll(() => running.forEach(({ child }) => child.kill("SIGKILL")))

  const startDev = async (...args: ReadonlyArray<string>) => {
    const dev = start(bin, ["dev", "--port", "0", ...args], { cwd: folder })
    running.add(dev)
    const [url] = await dev.printed(/http:\/\/127\.0\.0\.1:\d+/)
    return { ...dev, url }
  }

  const post = (url: string, events: ReadonlyArray<object>): Promise<Response> =>
    fetch(`${url}/2/httpapi`, { method: "POST", body: JSON.stringify({ api_key: "secret-key", events }) })

  const good = { event_type: "Song Played", user_id: "user-1", event_properties: { title: "So What" } }
  const bad = { event_type: "Song Skipped", user_id: "u", time: "now" }

  /** A program that sends events to the server of its environment, as an SDK would. */
  const sender = (events: ReadonlyArray<object>): ReadonlyArray<string> => [
    process.execPath,
    "-e",
    `fetch(process.env.AMPLITUDE_SERVER_URL, { method: "POST", body: JSON.stringify({
      api_key: process.env.AMPLITUDE_API_KEY, events: ${JSON.stringify(events)} }) })
      .then((response) => console.log("answered", response.status, process.env.AMPLITUDE_API_KEY))`
  ]

  it("prints its address, a line for each event with its reasons, and a summary", async () => {
    const dev = await startDev()
    assert.strictEqual((await post(dev.url, [good])).status, 200)
    await dev.printed(/kept +Song Played +user-1\n/)
    assert.strictEqual((await post(dev.url, [good, bad])).status, 400)
    await dev.printed(/FAULT +Song Skipped +u .*time: expected an integer.*user_id: expected at least 5 characters/)
    await dev.printed(/refused +Song Played +user-1/)
    dev.child.kill("SIGINT")
    const { code, stderr, stdout } = await dev.ended
    assert.strictEqual(code, 130)
    assert.match(stdout, /^3 events: 1 kept, 1 at fault, 1 refused with others$/m)
    assert.notInclude(stdout, "secret-key")
    assert.notInclude(stdout, "\u001b")
    assert.strictEqual(stderr, "")
  })

  it("prints JSON with --json", async () => {
    const dev = await startDev("--json")
    await post(dev.url, [bad])
    const [line] = await dev.printed(/^\{"type":"event".*\}$/m)
    const event = JSON.parse(line)
    assert.deepInclude(event, { verdict: "fault", event: bad })
    assert.deepStrictEqual(event.reasons.map(({ path }: { path: string }) => path).sort(), ["time", "user_id"])
    dev.child.kill("SIGTERM")
    const { code, stdout } = await dev.ended
    assert.strictEqual(code, 130)
    for (const line of stdout.trimEnd().split("\n")) JSON.parse(line)
  })

  it("has a line for a request without events, which has no event to show", async () => {
    const dev = await startDev()
    const send = (path: string, body: string) => fetch(`${dev.url}${path}`, { method: "POST", body })
    await send("/2/httpapi", "{")
    await dev.printed(/refused +\(no events at \/2\/httpapi\) +Invalid JSON request body\n/)
    await send("/batch", `{"api_key":"secret-key","events":[]}`)
    await dev.printed(/refused +\(no events at \/batch\) +Request missing required field: events\n/)
    await send("/v3", "{}")
    await dev.printed(/refused +\(no events at \/v3\) +No API of Amplitude takes events at \/v3/)
    // an event that is none has no path, and no user
    await send("/2/httpapi", `{"api_key":"secret-key","events":[7]}`)
    await dev.printed(/FAULT +\(no event_type\) {2}expected a JSON object, got 7\. Send each event/)
    dev.child.kill("SIGINT")
    const { stdout } = await dev.ended
    assert.match(stdout, /^1 event: 0 kept, 1 at fault, 3 requests without events$/m)
  })

  it("prints the address of the page with a token in words, and never the token", async () => {
    const dev = await startDev("--token", "my-token")
    await dev.printed(/http:\/\/127\.0\.0\.1:\d+\/\?token=… shows what arrives/)
    dev.child.kill("SIGINT")
    const { stderr, stdout } = await dev.ended
    assert.notInclude(stdout + stderr, "my-token")
  })

  it("says so when the folder of its file is missing", async () => {
    const { code, stderr } = await run(bin, ["dev", "--port", "0", "--file", join(folder, "missing", "kept")])
    assert.strictEqual(code, 1)
    assert.match(stderr, /^error: .*kept: its folder does not exist\n$/)
  })

  it("says so when its port is taken", async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const { port } = server.address() as AddressInfo
    const { code, stderr } = await run(bin, ["dev", "--port", `${port}`])
    server.close()
    assert.strictEqual(code, 1)
    assert.match(
      stderr,
      new RegExp(`^error: the port ${port} is taken: stop what listens there, or take another one with --port`)
    )
  })

  it("gives a command the server in its environment, and ends with it", async () => {
    const ended = await run(bin, ["dev", "--port", "0", "--", ...sender([good])])
    assert.strictEqual(ended.code, 0, ended.stderr)
    assert.strictEqual(ended.stdout, "answered 200 local\n")
    assert.match(ended.stderr, /kept +Song Played/)
    assert.match(ended.stderr, /^1 event: 1 kept, 0 at fault$/m)
    const keyed = await run(bin, ["dev", "--port", "0", "--", ...sender([good])], {
      env: { AMPLITUDE_API_KEY: "mine" }
    })
    assert.strictEqual(keyed.stdout, "answered 200 mine\n")
  })

  it("fails on an event at fault where that is asked for, and never hides how the command ended", async () => {
    const ended = await run(bin, ["dev", "--port", "0", "--", ...sender([bad])])
    assert.strictEqual(ended.code, 0, ended.stderr)
    const failed = await run(bin, ["dev", "--port", "0", "--fail-on-fault", "--", ...sender([bad])])
    assert.strictEqual(failed.code, 3)
    assert.match(failed.stderr, /FAULT +Song Skipped/)
    const fine = await run(bin, ["dev", "--port", "0", "--fail-on-fault", "--", ...sender([good])])
    assert.strictEqual(fine.code, 0)
    const exits = await run(bin, [
      "dev",
      "--port",
      "0",
      "--fail-on-fault",
      "--",
      process.execPath,
      "-e",
      "process.exit(7)"
    ])
    assert.strictEqual(exits.code, 7)
    const missing = await run(bin, ["dev", "--port", "0", "--", "no-such-command"])
    assert.strictEqual(missing.code, 1)
    assert.match(missing.stderr, /error: no-such-command: it cannot be run \(there is no such file\)/)
  })

  it("counts each event of its command, whatever the server drops or forgets, and none of an earlier run", async () => {
    const file = join(folder, "kept")
    const fails = ["dev", "--port", "0", "--fail-on-fault"]
    const earlier = await run(bin, [...fails, "--file", file, "--", ...sender([bad])])
    assert.strictEqual(earlier.code, 3, earlier.stderr)
    const later = await run(bin, [...fails, "--file", file, "--", ...sender([good])])
    assert.strictEqual(later.code, 0, later.stderr)
    assert.match(later.stderr, /^1 event: 1 kept, 0 at fault$/m)
    const dropped = await run(bin, [
      ...fails,
      "--max-events",
      "1",
      "--",
      process.execPath,
      "-e",
      `const post = (path, body) => fetch(new URL(path, process.env.AMPLITUDE_SERVER_URL), {
         method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) })
       post("/2/httpapi", { api_key: "k2345", events: ${JSON.stringify([bad, good, good])} })
         .then(() => post("/api/clear", {}))`
    ])
    assert.strictEqual(dropped.code, 3, dropped.stderr)
    assert.match(dropped.stderr, /^3 events: 0 kept, 1 at fault, 2 refused with others$/m)
  })

  it("leaves a file with other content as it is, and says so", async () => {
    const file = join(folder, "notes.txt")
    writeFileSync(file, "precious")
    const { code, stderr } = await run(bin, ["dev", "--port", "0", "--file", file])
    assert.strictEqual(code, 1)
    assert.match(stderr, /^error: .*notes\.txt holds no events of a DevServer, and would be overwritten: name another/)
    assert.strictEqual(readFileSync(file, "utf8"), "precious")
  })

  it("passes options of the command on as they are", async () => {
    const ended = await run(bin, [
      "dev",
      "--port",
      "0",
      "--",
      process.execPath,
      "-p",
      "process.argv.slice(1).join()",
      "--",
      "--port",
      "--help"
    ])
    assert.strictEqual(ended.stdout, "--port,--help\n")
  })

  it.each(["SIGINT", "SIGTERM"] as const)("passes %s on, and waits until the command has ended", async (signal) => {
    const program = `
      process.on(${JSON.stringify(signal)}, () => setTimeout(() => { console.log("cleaned up"); process.exit(0) }, 300))
      setInterval(() => {}, 1000)
      console.log("ready")`
    const dev = start(bin, ["dev", "--port", "0", "--", process.execPath, "-e", program])
    running.add(dev)
    await dev.printed(/ready/)
    dev.child.kill(signal)
    const { code, stdout } = await dev.ended
    assert.strictEqual(stdout, "ready\ncleaned up\n")
    assert.strictEqual(code, 130)
  })

  it("holds events against a plan, and with --strict counts them as at fault", async () => {
    const plan = join(folder, "plan.json")
    writeFileSync(
      plan,
      JSON.stringify({
        "Song Played": { type: "object", required: ["title"], properties: { title: { type: "number" } } }
      })
    )
    const args = ["dev", "--port", "0", "--plan", plan, "--fail-on-fault"]
    const lenient = await run(bin, [...args, "--", ...sender([good])])
    assert.strictEqual(lenient.code, 0, lenient.stderr)
    assert.match(lenient.stderr, /plan +Song Played +user-1 +event_properties\.title: the plan wants number/)
    const strict = await run(bin, [...args, "--strict", "--", ...sender([good])])
    assert.strictEqual(strict.code, 3)
  })
})
