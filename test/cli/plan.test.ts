/** `plan generate` and `plan check`, and the plan of `validate`. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { TrackingPlan } from "effect-amplitude"
import { DevServer } from "effect-amplitude/DevServer"
import { ESLint } from "eslint"
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { afterAll, beforeAll } from "vitest"
import { planOf, readPlan } from "../../src/internal/cli/plan/source.js"
import { bundle, lastJson, root, run, temporaryFolder } from "./support/cli.js"

/** The columns of the files that Amplitude documents. */
const columns = [
  "Action",
  "Object Type",
  "Object Name",
  "Event Display Name",
  "Object Owner",
  "Object Description",
  "Event Category",
  "Tags",
  "Event Activity",
  "Event Source",
  "Property Type",
  "Property Group Names",
  "Event Property Name",
  "Property Description",
  "Property Value Type",
  "Property Required",
  "Property Is Array",
  "Enum Values",
  "Property Regex",
  "Const Value",
  "String Property Value Min Length",
  "String Property Value Max Length",
  "Number Property Value Min",
  "Number Property Value Max",
  "Number Is Integer",
  "Array Min Items",
  "Array Max Items",
  "Array Unique Items"
] as const

type Row = { readonly [column in typeof columns[number]]?: string }

const csv = (rows: ReadonlyArray<Row>): string =>
  [Object.fromEntries(columns.map((column) => [column, column])) as Row, ...rows].map((row) =>
    columns.map((column) => `"${(row[column] ?? "").replaceAll("\"", "\"\"")}"`).join(",")
  ).join("\r\n")

const event = (name: string, more: Row = {}): Row => ({ "Object Type": "Event", "Object Name": name, ...more })

const property = (name: string, type: string, more: Row = {}): Row => ({
  "Property Type": "Event Property",
  "Event Property Name": name,
  "Property Value Type": type,
  ...more
})

const amplitudeData = csv([
  event("Song Played", {
    "Object Description": "A song was played, \"to its end\"",
    "Property Group Names": "Song",
    "Property Type": "Event Property Group"
  }),
  property("seconds", "number", {
    "Property Required": "True",
    "Number Property Value Min": "0",
    "Number Property Value Max": "86400",
    "Property Description": "How long it took"
  }),
  property("plays", "number", { "Number Is Integer": "True" }),
  property("genre", "enum", { "Property Required": "TRUE", "Enum Values": "jazz, rock,pop" }),
  property("source", "const", { "Const Value": "player" }),
  property("tags", "string", { "Property Is Array": "True", "Array Min Items": "1", "Array Max Items": "5" }),
  property("blocked", "string", { "Action": "Ignore" }),
  event("Removed", { "Action": "Remove" }),
  property("x", "string"),
  { "Object Type": "Property Group", "Object Name": "Song", "Object Description": "Of a song" },
  property("title", "string", {
    "Property Required": "True",
    "String Property Value Min Length": "1",
    "Property Regex": "^\\S/.*$"
  }),
  property("is live?", "boolean"),
  property("__proto__", "any"),
  event("App Opened")
])

const observed = [
  { event_type: "Song Played", user_id: "user-1", event_properties: { title: "So What", seconds: 562, live: false } },
  {
    event_type: "Song Played",
    user_id: "user-1",
    event_properties: { title: "So What", seconds: 1.5, by: { name: "M" } }
  },
  { event_type: "Song Played", user_id: "user-1", event_properties: { title: null, seconds: 1, list: [1, "a"] } },
  { event_type: "$identify", user_id: "user-1", user_properties: { $set: { a: 1 } } },
  { event_type: "App Opened", user_id: "user-1" }
]

const lines = (events: ReadonlyArray<unknown>): string => events.map((event) => `${JSON.stringify(event)}\n`).join("")

describe("plan", { timeout: 60_000 }, () => {
  let bin: string
  // inside of the repository, where the packages are found that generated code imports
  const generated = join(root, "test/cli", `.generated-${process.pid}`)
  const folder = temporaryFolder()
  const paths: Array<string> = []
  const others: Array<string> = []
  beforeAll(() => {
    bin = bundle()
  }, 60_000)
  afterAll(() => [...paths, ...others].forEach((path) => rmSync(path, { force: true })))

  let files = 0
  const write = (extension: string, content: string): string => {
    const path = join(folder, `${++files}.${extension}`)
    writeFileSync(path, content)
    return path
  }

  /** Generates twice, and gives the code. */
  const generate = async (source: string): Promise<string> => {
    const path = `${generated}-${++files}.ts`
    paths.push(path)
    const first = await run(bin, ["plan", "generate", "--from", source, "--out", path])
    assert.strictEqual(first.code, 0, first.stderr)
    const written = statSync(path, { bigint: true }).mtimeNs
    const second = await run(bin, ["plan", "generate", "--from", source, "--out", path])
    assert.match(second.stderr, /nothing has changed/)
    assert.strictEqual(statSync(path, { bigint: true }).mtimeNs, written)
    const code = readFileSync(path, "utf8")
    assert.strictEqual((await run(bin, ["plan", "generate", "--from", source])).stdout, code)
    return code
  }

  it("makes a plan of Amplitude Data's file", async () => {
    assert.strictEqual(
      await generate(write("csv", amplitudeData)),
      `import { Schema } from "effect"
import { TrackingPlan } from "effect-amplitude"

export const plan = TrackingPlan.make({
  "Song Played": {
    description: "A song was played, \\"to its end\\"",
    properties: {
      title: Schema.String.pipe(Schema.minLength(1), Schema.pattern(new RegExp("^\\\\S/.*$"))),
      "is live?": Schema.optional(Schema.Boolean),
      ["__proto__"]: Schema.optional(Schema.Unknown),
      seconds: Schema.Number.pipe(Schema.greaterThanOrEqualTo(0), Schema.lessThanOrEqualTo(86400)).annotations({
        description: "How long it took"
      }),
      plays: Schema.optional(Schema.Int),
      genre: Schema.Literal("jazz", "rock", "pop"),
      source: Schema.optional(Schema.Literal("player")),
      tags: Schema.optional(Schema.Array(Schema.String).pipe(Schema.minItems(1), Schema.maxItems(5)))
    }
  },
  "App Opened": {}
})
`
    )
  })

  it("makes a plan of events, in a file and in a DevServer", async () => {
    const expected = `import { Schema } from "effect"
import { TrackingPlan } from "effect-amplitude"

export const plan = TrackingPlan.make({
  "App Opened": {},
  "Song Played": {
    by: Schema.optional(Schema.Struct({
      name: Schema.String
    })),
    list: Schema.optional(Schema.Array(Schema.Union(Schema.String, Schema.Int))),
    live: Schema.optional(Schema.Boolean),
    seconds: Schema.Number,
    title: Schema.Union(Schema.String, Schema.Null)
  }
})
`
    assert.strictEqual(await generate(write("ndjson", lines(observed))), expected)
    assert.strictEqual(await generate(write("json", JSON.stringify(observed, null, 2))), expected)
    const fromServer = Effect.gen(function*() {
      const server = yield* DevServer.make()
      yield* Effect.promise(() =>
        fetch(server.urlV2, { method: "POST", body: JSON.stringify({ api_key: "key", events: observed }) })
      )
      return yield* Effect.promise(() => generate(server.url))
    }).pipe(Effect.scoped)
    assert.strictEqual(await Effect.runPromise(fromServer), expected)
  })

  const plan = TrackingPlan.make({
    "Song Played": {
      description: "A song was played",
      properties: {
        title: Schema.NonEmptyString.annotations({ description: "As on the record" }),
        seconds: Schema.optional(Schema.Positive),
        at: Schema.Date,
        kind: Schema.Literal("a", "b"),
        nested: Schema.Struct({ deep: Schema.optional(Schema.Int) }),
        table: Schema.Record({ key: Schema.String, value: Schema.Number }),
        either: Schema.NullOr(Schema.String),
        long: Schema.Literal(...Array.from({ length: 30 }, (_, index) => `value number ${index}`))
      }
    },
    "App Opened": {}
  })

  it("makes a plan of the JSON Schemas that a plan gives, which gives them again", async () => {
    const path = `${generated}-${files + 2}.ts`
    await generate(write("json", JSON.stringify(plan.jsonSchema)))
    const { plan: again } = await import(pathToFileURL(path).href)
    const withoutWords = (json: unknown) =>
      JSON.parse(JSON.stringify(json, (key, value) => ["title", "description"].includes(key) ? undefined : value))
    assert.deepStrictEqual(withoutWords(again.jsonSchema["App Opened"]), withoutWords(plan.jsonSchema["App Opened"]))
    const [given, made] = [plan, again].map(({ jsonSchema }) => withoutWords(jsonSchema["Song Played"]).properties)
    for (const name of ["kind", "nested", "table", "either", "long"]) assert.deepStrictEqual(made[name], given[name])
    assert.include(again.markdown, "As on the record")
  })

  it("makes a plan of whatever is long", async () => {
    const values = Array.from({ length: 9 }, (_, index) => `value number ${index}`)
    const long =
      "A description that does not fit on the line of its property because it has more than a hundred characters"
    const object = { type: "object", properties: { x: { type: "string" } } }
    const types = {
      text: { type: "string" },
      number: { type: "number", minimum: 0, maximum: 86_400 },
      values: { enum: values },
      few: { enum: values.slice(0, 5) },
      list: { type: "array", items: { enum: values } },
      objects: { type: "array", items: object, minItems: 1 },
      shortList: { type: "array", items: { enum: values.slice(0, 4) }, minItems: 1 },
      one: { anyOf: [{ type: "string" }, object] },
      other: { anyOf: [{ enum: values.slice(0, 4) }, { enum: values.slice(4) }, { type: "number", minimum: 0 }] },
      table: { type: "object", additionalProperties: object },
      tables: { type: "object", additionalProperties: { enum: values } },
      pattern: { type: "string", minLength: 1, pattern: `^(${values.join("|")})$` },
      onlyPattern: { type: "string", pattern: `^(${values.join("|")})$` },
      ["a name that goes on and on ".repeat(4)]: { type: "string", minLength: 10 }
    }
    const described = (description: string) =>
      Object.fromEntries(Object.entries(types).map(([name, type]) => [name.slice(0, 40), { ...type, description }]))
    const schema = (properties: object, required: ReadonlyArray<string> = []) => ({
      type: "object",
      description: long.repeat(2),
      properties: { ...properties, nested: { type: "object", properties } },
      required
    })
    await generate(write(
      "json",
      JSON.stringify({
        Plain: schema(types),
        Required: schema(types, Object.keys(types)),
        Short: schema(described("In short")),
        Long: schema(described(long)),
        "Long and required": schema(described(long), Object.keys(types))
      })
    ))
  })

  it("writes code that compiles and is formatted", async () => {
    assert.isAbove(paths.length, 3)
    const project = `${generated}.json`
    others.push(project)
    writeFileSync(
      project,
      JSON.stringify({
        extends: join(root, "tsconfig.json"),
        compilerOptions: { skipLibCheck: true },
        files: paths,
        include: []
      })
    )
    const { code, stdout } = await run(join(root, "node_modules/typescript-7/bin/tsc"), ["--project", project])
    assert.deepStrictEqual({ code, stdout }, { code: 0, stdout: "" })
    const rules = (await import(pathToFileURL(join(root, "eslint.config.mjs")).href)).default
    const format = rules.map((config: any) => config.rules?.["@effect/dprint"]).filter(Array.isArray).at(-1)
    const eslint = new ESLint({
      cwd: root,
      overrideConfigFile: true,
      ignore: false,
      overrideConfig: [
        ...(await import("@effect/eslint-plugin")).configs.dprint,
        {
          files: ["**/*.ts"],
          languageOptions: { parser: (await import("typescript-eslint")).parser },
          rules: { "@effect/dprint": format }
        }
      ]
    })
    const results = await eslint.lintFiles(paths)
    assert.deepStrictEqual(results.flatMap(({ messages }) => messages.map(({ message }) => message)), [])
  })

  it("says what is wrong with a source", async () => {
    const wrong: ReadonlyArray<readonly [string, RegExp]> = [
      [join(folder, "none.json"), /there is no such file/],
      [write("json", `{"A": 1}`), /"A" is no JSON Schema/],
      [write("csv", "Property Name,Property Type\nx,User Property\n"), /it is the file of user properties/],
      [write("ndjson", `{"event_type":"A"}\nbroken\n`), /line 2: it is not JSON/],
      [write("ndjson", ""), /there are no events/],
      [write("csv", csv([event("A"), property("a", "string", { "Property Regex": "(" })])), /"a" does not compile/],
      ["http://127.0.0.1:1", /no DevServer answers there/]
    ]
    for (const [source, words] of wrong) {
      const { code, stderr } = await run(bin, ["plan", "generate", "--from", source])
      assert.strictEqual(code, 1, stderr)
      assert.match(stderr, /^error: [^\n]+\n$/)
      assert.match(stderr, words)
    }
    const events = write("ndjson", `{"event_type":"A"}\n`)
    const out = join(folder, "missing", "plan.ts")
    const unwritten = await run(bin, ["plan", "generate", "--from", events, "--out", out])
    assert.strictEqual(unwritten.code, 1)
    assert.match(unwritten.stderr, /^error: .*plan\.ts: its folder does not exist\n$/)
  })

  it.scopedLive("reads a plan with a byte order mark, and the events of a server with a token", () =>
    Effect.gen(function*() {
      const marked = write("json", `\ufeff{"A":{"type":"object","properties":{}}}`)
      assert.deepStrictEqual([...(yield* readPlan(marked)).keys()], ["A"])
      assert.deepStrictEqual([...(yield* planOf(marked, {})).keys()], ["A"])
      const server = yield* DevServer.make({ token: "let me in" })
      const body = JSON.stringify({ api_key: "key", events: [{ event_type: "B", user_id: "user-1" }] })
      yield* Effect.promise(() => fetch(server.urlV2, { method: "POST", body }))
      assert.deepStrictEqual([...(yield* planOf(`${server.url}/?token=let+me+in`, {})).keys()], ["B"])
      const { message } = yield* Effect.flip(planOf(server.url, {}))
      assert.match(message, /: the server asks for its token: add \?token= to the URL$/)
      assert.deepInclude(yield* Effect.flip(planOf("http://", {})), {
        message: "http://: give the URL of a DevServer, as in http://127.0.0.1:8267",
        exitCode: 2
      })
    }))

  it("checks events against a plan", async () => {
    const planFile = write("csv", amplitudeData)
    const good = {
      event_type: "Song Played",
      event_properties: { title: "S/", seconds: 5, genre: "jazz", tags: ["a"] }
    }
    const fine = await run(bin, ["plan", "check", planFile, write("ndjson", lines([good, observed[3]]))])
    assert.strictEqual(fine.code, 0, fine.stdout)
    assert.include(fine.stdout, "not observed: App Opened")
    const bad = [
      good,
      { event_type: "Song Palyed" },
      { event_type: "Song Played", event_properties: { title: "", genre: "folk", tags: [], seconds: 90_000, more: 1 } },
      { event_type: "Song Palyed" },
      { event_type: "App Opened", event_properties: { "a b": null } }
    ]
    const events = write("ndjson", lines(bad))
    const checked = await run(bin, ["plan", "check", planFile, events])
    assert.strictEqual(checked.code, 3)
    assert.match(checked.stdout, /^events {2}event +property +expected +found +first line$/m)
    assert.match(
      checked.stdout,
      /^ +2 {2}Song Palyed +event_type +an event of the plan +an event that is not in it +2$/m
    )
    const { violations } = lastJson(await run(bin, ["plan", "check", planFile, events, "--json"]))
    assert.deepStrictEqual(
      violations.map(({ event, events, path }: any) => [events, event, path]),
      [
        [2, "Song Palyed", "event_type"],
        [1, "Song Played", "event_properties.title"],
        [1, "Song Played", "event_properties.seconds"],
        [1, "Song Played", "event_properties.genre"],
        [1, "Song Played", "event_properties.tags"],
        [1, "Song Played", "event_properties.more"],
        [1, "App Opened", "event_properties[\"a b\"]"]
      ]
    )
    const validated = lastJson(
      await run(bin, [
        "validate",
        write("ndjson", lines(bad.map((event) => ({ user_id: "user-1", ...event })))),
        "--plan",
        planFile,
        "--json"
      ])
    )
    assert.strictEqual(validated.atFault, 4)
    assert.deepStrictEqual(new Set(validated.reasons.map(({ source }: any) => source)), new Set(["plan"]))
  })

  it("holds every line against the rules of the service", async () => {
    const file = write(
      "ndjson",
      lines([
        { event_type: "A", user_id: "user-1" },
        { event_type: "A", user_id: "none" },
        { event_type: "B", device_id: "none" },
        { event_type: "A" },
        { event_type: "A", user_id: "user-1", time: 1.5, event_properties: [] },
        { event_type: "A", user_id: "user-1", time: "now" },
        { event_type: "$groupidentify", groups: { org: "a" }, group_properties: { $set: { a: 1 } } }
      ])
    )
    const ended = await run(bin, ["validate", file])
    assert.strictEqual(ended.code, 3)
    assert.match(ended.stdout, /^lines {2}event +reason +first\n +1 {2}A .*\n {10,}\S.*\.$/m)
    assert.match(ended.stdout, /^7 lines, 5 at fault$/m)
    const { atFault, lines: count, reasons } = lastJson(await run(bin, ["validate", file, "--json"]))
    assert.deepStrictEqual([count, atFault], [7, 5])
    assert.deepStrictEqual(
      reasons.map(({ event, first, lines, path }: any) => [lines, event, path, first.line]).sort(),
      [
        [1, "A", "device_id", 4],
        [1, "A", "event_properties", 5],
        [1, "A", "time", 5],
        [1, "A", "time", 6],
        [1, "A", "user_id", 2],
        [1, "A", "user_id", 4],
        [1, "B", "device_id", 3]
      ]
    )
  })
})
