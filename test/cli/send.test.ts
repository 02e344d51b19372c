/** `send`, against a server that records: the sent events, their order, the output, and the files of a killed run. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Stream } from "effect"
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { beforeAll } from "vitest"
import { open } from "../../src/internal/cli/input.js"
import { bundle, lastJson, run, start, temporaryFolder } from "./support/cli.js"
import { sink } from "./support/sink.js"
import { zip } from "./support/zip.js"

describe("send", { timeout: 60_000 }, () => {
  let bin: string
  const folder = temporaryFolder()
  beforeAll(() => {
    bin = bundle()
  }, 60_000)

  let files = 0
  const write = (extension: string, content: string | Uint8Array): string => {
    const path = join(folder, `${++files}.${extension}`)
    writeFileSync(path, content)
    return path
  }
  const lines = (events: ReadonlyArray<unknown>): string => events.map((event) => `${JSON.stringify(event)}\n`).join("")
  const event = (n: number, fields?: object) => ({
    event_type: "Song Played",
    user_id: `user-${n % 7}`,
    time: 1_700_000_000_000 + n,
    event_properties: { n },
    ...fields
  })
  const events = (count: number) => Array.from({ length: count }, (_, n) => event(n))
  const rejectedOf = (path: string): ReadonlyArray<any> =>
    readFileSync(`${path}.rejected.ndjson`, "utf8").trimEnd().split("\n").map((line) => JSON.parse(line))

  it("sends lines of JSON to the Batch API, each user's in their order", async () => {
    const server = await sink()
    const file = write("ndjson", lines(events(3000)))
    const ended = await run(bin, ["send", file, "--to", server.url], { env: { AMPLITUDE_API_KEY: "the-key" } })
    assert.strictEqual(ended.code, 0, ended.stderr)
    assert.deepInclude(lastJson(ended), { type: "summary", sent: 3000, refused: 0 })
    assert.deepStrictEqual(new Set(server.uploads.map(({ path }) => path)), new Set(["/batch"]))
    assert.deepStrictEqual(new Set(server.uploads.map(({ apiKey }) => apiKey)), new Set(["the-key"]))
    assert.strictEqual(new Set(server.events().map(({ event_properties }) => event_properties.n)).size, 3000)
    for (let user = 0; user < 7; user++) {
      const order = server.events().filter((event) => event.user_id === `user-${user}`)
        .map((event) => event.event_properties.n)
      assert.deepStrictEqual(order, [...order].sort((a, b) => a - b))
    }
    assert.isFalse(existsSync(`${file}.checkpoint.json`))
    assert.isFalse(existsSync(`${file}.rejected.ndjson`))
  })

  it("reads gzip, a byte order mark, CRLF, blank lines and a last line without an end", async () => {
    const server = await sink()
    const text = `\ufeff${JSON.stringify(event(0))}\r\n\r\n${JSON.stringify(event(1))}\n\n${JSON.stringify(event(2))}`
    const file = write("ndjson.gz", gzipSync(text))
    const ended = await run(bin, ["send", file, "--to", server.url])
    assert.strictEqual(ended.code, 0, ended.stderr)
    assert.deepStrictEqual(server.events().map(({ event_properties }) => event_properties.n), [0, 1, 2])
  })

  it("says so when a gzip file ends too early, and keeps what was sent for the next run", async () => {
    const server = await sink()
    const whole = gzipSync(lines(Array.from({ length: 20_000 }, (_, n) => event(n, { app_version: `${n}` }))))
    const file = write("ndjson.gz", whole.subarray(0, whole.length - 2000))
    const ended = await run(bin, ["send", file, "--to", server.url])
    assert.strictEqual(ended.code, 1)
    assert.match(ended.stderr, /error: .*gz: it ends in the middle of its compressed data/)
    assert.isTrue(existsSync(`${file}.checkpoint.json`))
  })

  it("reads CSV", async () => {
    const server = await sink()
    const file = write(
      "csv",
      "event_type,user_id,time,event_properties.title,event_properties.seconds,event_properties.zip,groups.org,price\n" +
        "Song Played,user-1,2024-01-02T03:04:05.678Z,\"So \"\"What\"\"\nagain\",562.5,01234,\"[\"\"a\"\",\"\"b\"\"]\",3.99\n" +
        "Song Skipped,user-2,1700000000000,,,,,\n" +
        "Song Rated,user-3,2024-01-02 03:04:05,12345678901234567890,1e400,-12,,\n"
    )
    // a time without a zone means the same on every machine
    const ended = await run(bin, ["send", file, "--to", server.url], { env: { TZ: "America/New_York" } })
    assert.strictEqual(ended.code, 0, ended.stderr)
    const [first, second, third] = server.events().map(({ insert_id, library, ...event }) => {
      assert.match(insert_id, /^[0-9a-f]{32}$/)
      assert.match(library, /^effect-amplitude\//)
      return event
    })
    assert.deepStrictEqual(first, {
      event_type: "Song Played",
      user_id: "user-1",
      time: Date.UTC(2024, 0, 2, 3, 4, 5, 678),
      event_properties: { title: "So \"What\"\nagain", seconds: 562.5, zip: "01234" },
      groups: { org: ["a", "b"] },
      price: 3.99
    })
    assert.deepStrictEqual(second, { event_type: "Song Skipped", user_id: "user-2", time: 1_700_000_000_000 })
    assert.deepStrictEqual(third, {
      event_type: "Song Rated",
      user_id: "user-3",
      time: Date.UTC(2024, 0, 2, 3, 4, 5),
      // no digit is lost
      event_properties: { title: "12345678901234567890", seconds: "1e400", zip: -12 }
    })
  })

  it("reads the CSV files of an archive as one text, so that a run can go on in any of them", async () => {
    const csv = (n: number) => `event_type,user_id\nA,user-${n}\nB,user-${n}\n`
    const file = write("zip", zip({ "2.csv": csv(2), "10.csv": csv(3), "1.csv": csv(1) }))
    const input = await Effect.runPromise(open(file, { format: "csv" }))
    const records = await Effect.runPromise(Stream.runCollect(Stream.mapConcat(input.records(), (records) => records)))
    assert.deepStrictEqual(Array.from(records, ({ event, line }) => [line, Either.getOrThrow(event)["user_id"]]), [
      [2, "user-1"],
      [3, "user-1"],
      [5, "user-2"],
      [6, "user-2"],
      [8, "user-3"],
      [9, "user-3"]
    ])
  })

  it("does not read the rest of a CSV file into memory where a quote is not closed", async () => {
    const server = await sink()
    const row = `A,user-1,${"x".repeat(989)}\n`
    const file = write("csv", `event_type,user_id,event_properties.a\nA,user-1,x\nA,user-1,"x\n${row.repeat(20_500)}`)
    const ended = await run(bin, ["send", file, "--to", server.url])
    assert.strictEqual(ended.code, 1)
    assert.match(
      ended.stderr,
      /error: .*: a quote after line [12] is not closed: correct the quotes there, or send the/
    )
  })

  it("refuses a line that nests too deep to be written, and sends the others", async () => {
    const server = await sink()
    const deep = `{"event_type":"A","user_id":"user-1","event_properties":{"a":${"[".repeat(50_000)}${
      "]".repeat(50_000)
    }}}`
    const file = write("ndjson", `${deep}\n${lines(events(2))}`)
    const ended = await run(bin, ["send", file, "--to", server.url])
    assert.strictEqual(ended.code, 3, ended.stderr)
    assert.lengthOf(server.events(), 2)
    const [rejected] = rejectedOf(file)
    assert.strictEqual(rejected.text, deep)
    assert.deepInclude(rejected.reasons[0], {
      path: "event_properties",
      wanted: "at most 40 levels of objects and arrays"
    })
  })

  it("sends everything although the reader of its progress has gone", async () => {
    const server = await sink()
    const file = write("ndjson", lines(events(1500)))
    const { child, ended } = start(bin, ["send", file, "--to", server.url, "--rate", "1000"])
    child.stderr.destroy()
    assert.strictEqual((await ended).code, 0)
    assert.lengthOf(server.events(), 1500)
  })

  it("reads a whole field and single properties of it, in whatever order their columns stand", async () => {
    const server = await sink()
    const file = write(
      "csv",
      "event_type,user_id,event_properties.a,event_properties,event_properties.b\n" +
        `A,user-1,1,"{""a"":0,""c"":3}",2\n` +
        "A,user-2,1,text,2\n" +
        "A,user-3,1,,2\n"
    )
    const ended = await run(bin, ["send", file, "--to", server.url])
    assert.strictEqual(ended.code, 3, ended.stderr)
    assert.deepStrictEqual(server.events().map(({ event_properties, user_id }) => [user_id, event_properties]), [
      ["user-1", { a: 1, c: 3, b: 2 }],
      ["user-3", { a: 1, b: 2 }]
    ])
    const [refused] = readFileSync(`${file}.rejected.ndjson`, "utf8").trimEnd().split("\n")
    assert.include(JSON.parse(refused!).reasons[0], { path: "event_properties", given: `"text"` })
  })

  it("says where a quote of a CSV file is wrong, without its text", async () => {
    const file = write("csv", `event_type,user_id\nA,user-1\nA,sec"ret-1\n`)
    const ended = await run(bin, ["validate", file])
    assert.strictEqual(ended.code, 1)
    assert.match(ended.stderr, /error: .*: line 3 has a quote where none may be: correct the quotes there/)
    assert.notInclude(ended.stderr, "sec")
  })

  it.each([
    ["event_type,user_id,title\nA,user-1,x\n", /the column "title" is no field of an event: .*event_properties\.title/],
    ["event_type,user_id,\nA,user-1,x\n", /column 3 has no name: name it, or leave it out/],
    ["event_type,user_id,user_id\nA,user-1,user-2\n", /there are two columns "user_id": leave one of them out/],
    ["event_type;user_id\nA;user-1\n", /the header is one column, "event_type;user_id": separate the columns with comm/]
  ])("refuses a CSV file whose columns are no fields, before anything is sent: %j", async (text, words) => {
    const server = await sink()
    const file = write("csv", text)
    const ended = await run(bin, ["send", file, "--to", server.url])
    assert.strictEqual(ended.code, 2)
    assert.match(ended.stderr, words)
    assert.strictEqual(server.uploads.length, 0)
  })

  it("reads Amplitude's export: a zip of gzipped files, in the order of their hours, under its own names", async () => {
    const server = await sink()
    const exported = (n: number, fields?: object) => ({
      $insert_id: `id-${n}`,
      $schema: null,
      uuid: "ec132044-055a-11ea-9afc-0a13de2cb11e",
      app: 240333,
      amplitude_id: 105712354545,
      user_id: "user-1",
      device_id: "device-1",
      event_type: "Song Played",
      event_time: "2020-01-25 17:00:00.123000",
      client_event_time: "2020-01-25 16:59:00.000000",
      server_upload_time: "2020-01-25 17:00:02.000000",
      session_id: -1,
      event_properties: { n },
      user_properties: { plan: "pro" },
      group_properties: { org: {} },
      groups: { org: ["acme"] },
      data: { path: "/2/httpapi" },
      device_carrier: "A1 BG",
      ip_address: "82.146.26.242",
      version_name: "2.13.1",
      library: "amplitude-android/2.9.2",
      dma: null,
      paying: false,
      plan: {},
      location_lat: null,
      country: "Bulgaria",
      ...fields
    })
    const file = write(
      "zip",
      zip({
        "187520/187520_2020-01-25_10#0.json.gz": gzipSync(lines([exported(2)])),
        "187520/187520_2020-01-25_9#0.json.gz": gzipSync(lines([exported(0), exported(1, { $insert_id: null })])),
        "187520/187520_2020-01-25_10#1.json.gz": gzipSync(JSON.stringify(exported(3)))
      })
    )
    const ended = await run(bin, ["send", file, "--from", "amplitude-export", "--to", server.url])
    assert.strictEqual(ended.code, 0, ended.stderr)
    assert.deepStrictEqual(server.events().map(({ event_properties }) => event_properties.n), [0, 1, 2, 3])
    const [first, second] = server.events()
    assert.deepStrictEqual({ ...first, library: "" }, {
      event_type: "Song Played",
      user_id: "user-1",
      device_id: "device-1",
      insert_id: "id-0",
      time: Date.UTC(2020, 0, 25, 17, 0, 0, 123),
      session_id: -1,
      event_properties: { n: 0 },
      user_properties: { plan: "pro" },
      groups: { org: ["acme"] },
      carrier: "A1 BG",
      ip: "82.146.26.242",
      app_version: "2.13.1",
      country: "Bulgaria",
      library: ""
    })
    assert.strictEqual(second.insert_id, "ec132044-055a-11ea-9afc-0a13de2cb11e")
  })

  it("gives a line the same insert_id whenever it is sent, and another line another one", async () => {
    const server = await sink()
    const same = { event_type: "A", user_id: "user-1" }
    const file = write("ndjson", lines([same, same, { ...same, insert_id: "given" }]))
    const ids: Array<ReadonlyArray<string>> = []
    for (let round = 0; round < 2; round++) {
      const before = server.events().length
      assert.strictEqual((await run(bin, ["send", file, "--to", server.url])).code, 0)
      ids.push(server.events().slice(before).map(({ insert_id }) => insert_id))
    }
    assert.deepStrictEqual(ids[0], ids[1])
    assert.strictEqual(new Set(ids[0]).size, 3)
    assert.strictEqual(ids[0]![2], "given")
    writeFileSync(file, lines([{ ...same, event_type: "B" }]))
    await run(bin, ["send", file, "--to", server.url])
    assert.notStrictEqual(server.events().at(-1).insert_id, ids[0]![0])
  })

  it("writes refused lines with all their reasons beside the file, in its order, and exits with 3", async () => {
    const server = await sink(({ events }) => {
      const at = events.findIndex(({ event_type }) => event_type === "Refused")
      return at < 0 ? undefined : {
        status: 400,
        body: { code: 400, error: "Invalid field values on some events", events_with_invalid_fields: { time: [at] } }
      }
    })
    const file = write(
      "ndjson",
      [
        JSON.stringify(event(1)),
        "not json",
        JSON.stringify({ event_type: " ", user_id: "u", time: "today" }),
        JSON.stringify({ event_type: "Refused", user_id: "user-9" }),
        "[1]",
        JSON.stringify({ event_type: "A", user_id: "user-1", usre_id: "x" }),
        JSON.stringify(event(2))
      ].join("\n")
    )
    const ended = await run(bin, ["send", file, "--to", server.url])
    assert.strictEqual(ended.code, 3, ended.stderr)
    assert.deepInclude(lastJson(ended), { sent: 2, refused: 5 })
    assert.deepStrictEqual(server.events().map(({ event_properties }) => event_properties?.n).sort(), [1, 2])
    const rejected = rejectedOf(file)
    assert.deepStrictEqual(rejected.map(({ line }) => line), [2, 3, 4, 5, 6])
    assert.strictEqual(rejected[0].text, "not json")
    assert.deepStrictEqual(
      rejected[1].reasons.map(({ path }: { path: string }) => path).sort(),
      ["event_type", "time", "user_id"]
    )
    assert.deepStrictEqual(rejected[1].event, { event_type: " ", user_id: "u", time: "today" })
    assert.include(rejected[2].reasons[0].fix, "Invalid field values")
    assert.include(rejected[3].reasons[0].given, "JSON array")
    assert.strictEqual(rejected[4].reasons[0].path, "usre_id")
    assert.isFalse(existsSync(`${file}.checkpoint.json`))
  })

  it("stops at an API key that is unknown, and at a target that is no Batch API", async () => {
    const file = write("ndjson", lines(events(10)))
    const unknown = await sink(() => ({ status: 400, body: { code: 400, error: "Invalid API key: secret-key" } }))
    const ended = await run(bin, ["send", file, "--to", unknown.url], { env: { AMPLITUDE_API_KEY: "secret-key" } })
    assert.strictEqual(ended.code, 1)
    assert.match(ended.stderr, /does not know the API key: set AMPLITUDE_API_KEY/)
    assert.notInclude(ended.stderr + ended.stdout, "secret-key")
    const elsewhere = await sink(() => ({ status: 404, body: {} }))
    const lost = await run(bin, ["send", file, "--to", `${elsewhere.url}/nowhere`])
    assert.strictEqual(lost.code, 1)
    assert.match(lost.stderr, /nowhere answers 404: check the target, then run the same command again/)
    assert.isFalse(existsSync(`${file}.rejected.ndjson`))
  })

  it("says so when the target cannot be reached", async () => {
    const file = write("ndjson", lines(events(10)))
    const closed = await sink()
    const { port } = new URL(closed.url)
    const ended = await run(bin, ["send", file, "--to", `http://127.0.0.2:${port}`])
    assert.strictEqual(ended.code, 1)
    assert.match(ended.stderr, /error: 127\.0\.0\.2:\d+ cannot be reached .*: check --to, or start the server/)
  })

  it("asks before it sends to anybody else, and without a terminal does not send", async () => {
    const file = write("ndjson", lines(events(1)))
    const ended = await run(bin, ["send", file], { env: { AMPLITUDE_API_KEY: "the-key" } })
    assert.strictEqual(ended.code, 4)
    assert.match(ended.stderr, /^error: nothing was sent to api2\.amplitude\.com: add --yes to send/)
    const keyless = await run(bin, ["send", file, "--zone", "EU", "--yes"])
    assert.strictEqual(keyless.code, 2)
    assert.match(keyless.stderr, /set AMPLITUDE_API_KEY/)
  })

  it("sends nothing in a dry run, and writes nothing", async () => {
    const file = write("ndjson", `${lines(events(5))}broken\n`)
    const ended = await run(bin, ["send", file, "--dry-run"])
    assert.strictEqual(ended.code, 3, ended.stderr)
    assert.deepInclude(lastJson(ended), { dryRun: true, sent: 5, refused: 1 })
    assert.isFalse(existsSync(`${file}.rejected.ndjson`))
    assert.isFalse(existsSync(`${file}.checkpoint.json`))
  })

  it("reads stdin, and several files one after the other", async () => {
    const server = await sink()
    const piped = await run(bin, ["send", "-", "--to", server.url], { stdin: lines(events(3)) })
    assert.strictEqual(piped.code, 0, piped.stderr)
    assert.strictEqual(server.events().length, 3)
    const zipped = await run(bin, ["send", "-", "--to", server.url], { stdin: gzipSync(lines(events(2))) })
    assert.strictEqual(zipped.code, 0, zipped.stderr)
    const both = await run(bin, [
      "send",
      write("ndjson", lines(events(2))),
      write("ndjson", lines(events(1))),
      "--to",
      server.url
    ])
    assert.deepInclude(lastJson(both), { sent: 3 })
    assert.deepStrictEqual(lastJson(both).files.map(({ sent }: { sent: number }) => sent), [2, 1])
  })

  it("keeps to the rate that was asked for", async () => {
    const server = await sink()
    const began = performance.now()
    const ended = await run(bin, ["send", write("ndjson", lines(events(400))), "--rate", "200", "--to", server.url])
    assert.strictEqual(ended.code, 0, ended.stderr)
    assert.isAtLeast(performance.now() - began, 1900)
    assert.strictEqual((await run(bin, ["send", "x", "--rate", "0"])).code, 2)
  })

  it("tells of its progress in lines of JSON where there is no terminal", async () => {
    let release = (): void => {}
    const released = new Promise<undefined>((resolve) => {
      release = () => resolve(undefined)
    })
    const server = await sink(() => released)
    const running = start(bin, ["send", write("ndjson", lines(events(10))), "--to", server.url])
    const [line] = await running.printed(/^\{"type":"progress".*\}$/m)
    release()
    assert.deepInclude(JSON.parse(line), { lines: 10, sent: 0, refused: 0 })
    assert.strictEqual((await running.ended).code, 0)
  })

  it("goes on where an interrupted run ended", async () => {
    let hold = true
    const server = await sink(async (_, index) => {
      if (index >= 2 && hold) await new Promise(() => {})
      return undefined
    })
    const file = write("ndjson", `${lines(events(3500))}broken\n`)
    const running = start(bin, ["send", file, "--to", server.url])
    await running.printed(/"sent":[1-9]/)
    running.child.kill("SIGINT")
    const ended = await running.ended
    assert.strictEqual(ended.code, 130)
    assert.match(ended.stderr, /interrupted after \d[\d,]* lines: the same command goes on there/)
    assert.isTrue(existsSync(`${file}.checkpoint.json`))
    hold = false
    const resumed = await run(bin, ["send", file, "--to", server.url])
    assert.strictEqual(resumed.code, 3, resumed.stderr)
    assert.deepInclude(lastJson(resumed), { sent: 3500, refused: 1 })
    assert.isAbove(lastJson(resumed).files[0].resumedAfterLine, 0)
    assert.strictEqual(new Set(server.events().map(({ event_properties }) => event_properties.n)).size, 3500)
    assert.strictEqual(rejectedOf(file).length, 1)
    assert.isFalse(existsSync(`${file}.checkpoint.json`))
  })

  it("does not use the checkpoint of another target, nor of another file of the same name", async () => {
    const never = await sink((_, index) => index >= 2 ? new Promise(() => {}) : undefined)
    const server = await sink()
    const interrupted = async (file: string) => {
      const running = start(bin, ["send", file, "--to", never.url])
      await running.printed(/"sent":[1-9]/)
      running.child.kill("SIGKILL")
      await running.ended
      assert.isTrue(existsSync(`${file}.checkpoint.json`))
    }
    const file = write("ndjson", lines(events(3500)))
    await interrupted(file)
    assert.deepInclude(lastJson(await run(bin, ["send", file, "--to", server.url])), { sent: 3500 })
    assert.strictEqual(server.events().length, 3500)
  })

  // AMPLITUDE_TEST_BACKLOG_MB=2000 is the full test
  const megabytes = Number(process.env["AMPLITUDE_TEST_BACKLOG_MB"] ?? 80)
  it.skipIf(process.platform !== "linux")(
    `moves ${megabytes} MB in less than 200 MB of memory`,
    { timeout: 60_000 + megabytes * 500 },
    async () => {
      const server = await sink()
      const file = write("ndjson", "")
      const pad = "x".repeat(1850)
      let count = 0
      for (let written = 0; written < megabytes * 1_000_000;) {
        const piece = lines(Array.from({ length: 1000 }, () => {
          const n = count++
          return event(n, { user_id: `user-${n % 5000}`, event_properties: { n, pad } })
        }))
        appendFileSync(file, piece)
        written += piece.length
      }
      const running = start(bin, ["send", file, "--to", server.url])
      let most = 0
      const look = setInterval(() => {
        const status = Either.try(() => readFileSync(`/proc/${running.child.pid}/status`, "utf8"))
        most = Math.max(most, Number(/VmHWM:\s*(\d+)/.exec(Either.getOrElse(status, () => ""))?.[1] ?? 0))
      }, 50)
      const ended = await running.ended
      clearInterval(look)
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.strictEqual(lastJson(ended).sent, count)
      assert.isAbove(most, 20_000)
      assert.isBelow(most, 200_000)
    }
  )

  // AMPLITUDE_TEST_KILLS=20 is the full test
  const kills = Number(process.env["AMPLITUDE_TEST_KILLS"] ?? 3)
  it(`loses nothing when it is killed ${kills} times at any moment`, { timeout: 60_000 + kills * 10_000 }, async () => {
    const total = 60_000
    const idsOf = Array.from({ length: total }, () => new Set<string>())
    const refused = { status: 400, body: { code: 400, error: "bad", events_with_invalid_fields: { time: [0] } } }
    const server = await sink(async ({ events }) => {
      for (const { event_properties: { n }, insert_id } of events) idsOf[n]!.add(insert_id)
      await new Promise((resolve) => setImmediate(resolve))
      return events[0].event_properties.n % 10 === 9 ? { ...refused } : undefined
    })
    const broken = 25
    const content = Array.from(
      { length: total },
      (_, n) => JSON.stringify(event(n)) + (n % (total / broken) === 0 ? "\nbroken" : "")
    )
    const file = write("ndjson", content.join("\n"))
    for (let kill = 0; kill < kills; kill++) {
      const before = server.uploads.length
      const running = start(bin, ["send", file, "--to", server.url])
      const moment = Math.random() * 500
      // from the first request on, and then a random time
      while (server.uploads.length === before && running.child.exitCode === null) {
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      await new Promise((resolve) => setTimeout(resolve, moment))
      running.child.kill("SIGKILL")
      await running.ended
    }
    const last = await run(bin, ["send", file, "--to", server.url])
    assert.strictEqual(last.code, 3, last.stderr)
    const rejected = rejectedOf(file)
    const arrived = new Set(server.events().map(({ event_properties }) => event_properties.n))
    for (const { event } of rejected) if (event !== undefined) arrived.add(event.event_properties.n)
    assert.strictEqual(arrived.size, total)
    assert.isTrue(idsOf.every((ids) => ids.size === 1))
    // each refused line once, in the order of the file
    assert.strictEqual(rejected.filter(({ text }) => text === "broken").length, broken)
    const numbers = rejected.map(({ line }) => line)
    assert.deepStrictEqual(numbers, [...new Set(numbers)].sort((a, b) => a - b))
    assert.strictEqual(lastJson(last).sent + lastJson(last).refused, total + broken)
  })
})
