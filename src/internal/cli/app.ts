/** The command line: its commands, their options and help, and its exit status. */
import * as Args from "@effect/cli/Args"
import * as CliConfig from "@effect/cli/CliConfig"
import * as Command from "@effect/cli/Command"
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as Options from "@effect/cli/Options"
import * as ValidationError from "@effect/cli/ValidationError"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { CliFailure, exitCodes, usage } from "./failure.js"
import { render as renderHelp } from "./help.js"
import * as HelpAsked from "./helpAsked.js"
import * as Terminal from "./terminal.js"

const name = "effect-amplitude"

/** The version of the package. A test checks that it is equal to the one in the manifest. */
const version = "0.1.0"

const description = "Amplitude on your machine: a local server, backfills, checks and tracking plans"

const config: CliConfig.CliConfig = CliConfig.make({
  isCaseSensitive: true,
  finalCheckBuiltIn: true,
  showAllNames: false,
  showBuiltIns: false
})

// -- options -----------------------------------------------------------------------------------------------------------

/** The environment variable of an option. */
const variable = (option: string): string => `AMPLITUDE_DEV_${option.replace(/-/g, "_").toUpperCase()}`

const flag = (option: string, description: string): Options.Options<boolean> =>
  Options.boolean(option).pipe(
    Options.withDescription(description),
    Options.withFallbackConfig(Config.boolean(variable(option)))
  )

/** Replaces `-`, which @effect/cli reads as the beginning of an option. It then reads no option after it. */
const stdin = "\u0000stdin"

const given = (value: string): string => value === stdin ? "-" : value

const text = (option: string, placeholder: string, description: string): Options.Options<string | undefined> =>
  Options.text(option).pipe(
    Options.withPseudoName(placeholder),
    Options.withDescription(description),
    Options.withFallbackConfig(Config.string(variable(option))),
    Options.map(given),
    orUndefined
  )

const integer = (option: string, placeholder: string, description: string): Options.Options<number | undefined> =>
  Options.integer(option).pipe(
    Options.withPseudoName(placeholder),
    Options.withDescription(description),
    Options.withFallbackConfig(Config.integer(variable(option))),
    orUndefined
  )

/** An option that can be given several times. Its variable holds a list with commas. */
const list = (option: string, placeholder: string, description: string): Options.Options<ReadonlyArray<string>> =>
  Options.text(option).pipe(
    Options.withPseudoName(placeholder),
    Options.withDescription(description),
    Options.repeated,
    Options.map((values) =>
      values.length > 0
        ? values
        : (process.env[variable(option)] ?? "").split(",").map((value) => value.trim()).filter((value) => value !== "")
    )
  )

/** The options by their choices: the error of @effect/cli has the choices alone. */
const optionOfChoices = new Map<string, string>()

const choice = <const A extends string>(
  option: string,
  choices: readonly [A, ...Array<A>],
  description: string
): Options.Options<A | undefined> => {
  optionOfChoices.set(choices.join(", "), option)
  return Options.choice(option, choices).pipe(
    Options.withDescription(description),
    Options.withFallbackConfig(Config.literal(...choices)(variable(option))),
    orUndefined
  )
}

const orUndefined = <A>(options: Options.Options<A>): Options.Options<A | undefined> =>
  Options.map(Options.optional(options), Option.getOrUndefined)

const positive = (option: string, value: number | undefined): Effect.Effect<number | undefined, CliFailure> =>
  value === undefined || value > 0
    ? Effect.succeed(value)
    : Effect.fail(usage(`--${option} ${value}: give a number above 0`))

const inputOptions = {
  format: choice(
    "format",
    ["ndjson", "csv"],
    "How the lines are written. Default: by the name of the file and its beginning."
  ),
  from: choice(
    "from",
    ["amplitude-export"],
    "The events are those of Amplitude's Export API: a zip, gzip or JSON file of it."
  )
}

const json = flag("json", "Prints JSON.")

/** An argument that is a path. A misspelt option must not count as a file. */
const path = (name: string): Args.Args<string> =>
  Args.mapEffect(Args.text({ name }), (text) =>
    text.startsWith("-")
      ? Effect.fail(HelpDoc.p(`Unknown option '${text}'`))
      : Effect.succeed(given(text)))

const files = path("FILE").pipe(
  Args.withDescription("NDJSON, CSV, gzip of either, or zip; - is stdin."),
  Args.atLeast(1)
)

/** The usage and the description of each command. The README has the same. */
const summaries = {
  dev: ["dev [-- command …]", "Runs the local server, alone or while a command runs"],
  send: ["send FILE…|-", "Sends a backlog of events with the Batch API, and can be resumed"],
  validate: ["validate FILE…|-", "Checks every line against the rules of the service and a tracking plan"],
  "plan generate": ["plan generate --from SOURCE [--out FILE.ts]", "Writes the code of a tracking plan"],
  "plan check": ["plan check PLAN SOURCE", "Compares a tracking plan with what was observed"]
} as const

// -- commands ----------------------------------------------------------------------------------------------------------

/** `dev` runs the command after `--`, whose arguments are no options of `dev`. */
const devOf = (command: ReadonlyArray<string>) =>
  Command.make(
    "dev",
    {
      port: integer("port", "N", "The port to listen on; 0 takes a free one. Default: 8267."),
      host: text("host", "ADDRESS", "The address to listen on. Default: 127.0.0.1, this machine alone."),
      allowHost: list("allow-host", "NAME", "Another name by which the server may be called; can be given again."),
      allowOrigin: list("allow-origin", "ORIGIN", "An origin whose pages may read what arrived; can be given again."),
      token: text(
        "token",
        "TOKEN",
        "The token that everything but ingestion asks for. Without one, only this machine may read."
      ),
      file: text("file", "FILE", "Keeps what arrived in this file, from one start to the next."),
      maxEvents: integer("max-events", "N", "The most events that are kept; the oldest go first. Default: 10000."),
      plan: text("plan", "FILE", "A tracking plan: JSON Schemas by event, or Amplitude Data's CSV."),
      strict: flag("strict", "Events that are not of the plan are at fault."),
      failOnFault: flag("fail-on-fault", "With a command: exit status 3 when an event was at fault."),
      open: flag("open", "Opens the page in the browser."),
      json: flag("json", "Prints a line of JSON for each event.")
    },
    (options) =>
      Effect.gen(function*() {
        const { dev } = yield* Effect.promise(() => import("./dev.js"))
        yield* dev({ ...options, maxEvents: yield* positive("max-events", options.maxEvents), command })
      })
  ).pipe(Command.withDescription(summaries.dev[1]))

const send = Command.make(
  "send",
  {
    files,
    ...inputOptions,
    to: text("to", "URL", "Where to send. Default: Amplitude, by --zone."),
    zone: Options.map(
      choice("zone", ["US", "EU"], "Where the project's data live. Default: US."),
      (zone) => zone ?? "US"
    ),
    rate: integer("rate", "N", "The most events a second. Default: as fast as the service takes them."),
    minIdLength: integer("min-id-length", "N", "The shortest user or device id that the project takes. Default: 5."),
    skipUserPropertiesSync: flag(
      "skip-user-properties-sync",
      "Old user properties do not overwrite those that the users have now."
    ),
    dryRun: flag("dry-run", "Reads and checks everything, and sends nothing."),
    yes: flag("yes", "Sends without asking."),
    restart: flag("restart", "Begins with the first line, whatever an earlier run has sent."),
    json
  },
  ({ files, from, rate, ...options }) =>
    Effect.gen(function*() {
      const { send } = yield* Effect.promise(() => import("./send.js"))
      yield* send({
        ...options,
        files,
        isExport: from !== undefined,
        rate: yield* positive("rate", rate),
        minIdLength: yield* positive("min-id-length", options.minIdLength),
        apiKey: process.env["AMPLITUDE_API_KEY"]
      })
    })
).pipe(Command.withDescription(summaries.send[1]))

const validate = Command.make(
  "validate",
  {
    files,
    ...inputOptions,
    plan: text("plan", "PLAN", "A tracking plan: JSON Schemas by event, or Amplitude Data's CSV."),
    minIdLength: integer("min-id-length", "N", "The shortest user or device id that the project takes. Default: 5."),
    json
  },
  ({ from, minIdLength, ...options }) =>
    Effect.gen(function*() {
      const { validate } = yield* Effect.promise(() => import("./validate.js"))
      yield* validate({
        ...options,
        isExport: from !== undefined,
        minIdLength: yield* positive("min-id-length", minIdLength)
      })
    })
).pipe(Command.withDescription(summaries.validate[1]))

const generate = Command.make(
  "generate",
  {
    source: Options.text("from").pipe(
      Options.withPseudoName("SOURCE"),
      Options.withDescription(
        "The URL of a DevServer, events in a file, a plan as JSON Schemas, or Amplitude Data's CSV."
      ),
      Options.withFallbackConfig(Config.string(variable("from"))),
      Options.map(given)
    ),
    out: text("out", "FILE.ts", "The file that is written. Default: stdout.")
  },
  (options) =>
    Effect.flatMap(
      Effect.promise(() => import("./planCommands.js")),
      ({ generate }) => generate(options)
    )
).pipe(Command.withDescription(summaries["plan generate"][1]))

const check = Command.make(
  "check",
  {
    plan: path("PLAN").pipe(Args.withDescription("JSON Schemas by event, or Amplitude Data's CSV.")),
    source: path("SOURCE").pipe(Args.withDescription("The URL of a DevServer, or events in a file.")),
    json
  },
  (options) =>
    Effect.flatMap(
      Effect.promise(() => import("./planCommands.js")),
      ({ check }) => check(options)
    )
).pipe(Command.withDescription(summaries["plan check"][1]))

const plan = Command.make("plan").pipe(
  Command.withDescription("Makes and checks tracking plans"),
  Command.withSubcommands([generate, check])
)

const rootOf = (command: ReadonlyArray<string>) =>
  Command.make(name).pipe(
    Command.withDescription(description),
    Command.withSubcommands([devOf(command), send, validate, plan])
  )

// -- help --------------------------------------------------------------------------------------------------------------

const examples: { readonly [command: string]: ReadonlyArray<readonly [command: string, what: string]> } = {
  "": [
    ["dev", "The local server."],
    ["dev --fail-on-fault -- npm test", "A test run that fails when an event is at fault."],
    ["validate events.ndjson", "Which lines would Amplitude refuse, and why?"],
    ["send events.ndjson --dry-run", "What would be sent?"],
    [`plan generate --from events.ndjson --out plan.ts`, "A tracking plan from what is tracked today."],
    ["--completions bash > /etc/bash_completion.d/effect-amplitude", "Completions for bash."]
  ],
  dev: [
    ["dev --open", "Shows what arrives at http://127.0.0.1:8267."],
    ["dev --plan plan.csv --strict", "Events that are not of the plan are at fault."],
    [
      "dev --port 0 --fail-on-fault -- npm test",
      "For a test run, in any language: it finds AMPLITUDE_SERVER_URL in its environment."
    ]
  ],
  send: [
    ["send events.ndjson --to http://127.0.0.1:8267", "To a local server first."],
    ["send events.csv.gz --zone EU --rate 1000 --yes", "To Amplitude, at most 1000 events a second."],
    ["send export.zip --from amplitude-export --skip-user-properties-sync --yes", "From one project to another."],
    ["send - < events.ndjson", "From stdin; only a file can be resumed."]
  ],
  validate: [
    ["validate events.ndjson", "A table of what is at fault."],
    ["validate *.ndjson.gz --plan plan.csv --json", "Against a tracking plan too, as JSON."]
  ],
  plan: [
    ["plan generate --from http://127.0.0.1:8267", "From what a DevServer has seen."],
    ["plan check plan.json events.ndjson", "Exit status 3 where events are not of the plan."]
  ],
  "plan generate": [
    ["plan generate --from http://127.0.0.1:8267 --out plan.ts", "From what a DevServer has seen."],
    ["plan generate --from events.ndjson", "From events."],
    ["plan generate --from amplitude-data.csv --out plan.ts", "From the plan in Amplitude Data."]
  ],
  "plan check": [
    ["plan check plan.csv http://127.0.0.1:8267", "What a DevServer has seen."],
    ["plan check plan.json events.ndjson --json", "Events in a file, as JSON."]
  ]
}

const descriptors: { readonly [C in HelpAsked.Command]: Command.Command<any, any, any, any> } = {
  "": rootOf([]),
  dev: devOf([]),
  send,
  validate,
  plan,
  "plan generate": generate,
  "plan check": check
}

const helpOf = (command: HelpAsked.Command): string => {
  const rows = Object.entries(summaries)
  const commands = rows.filter(([name]) => name !== command && name.startsWith(command)).map(([, row]) => row)
  const [use, summary] = command in summaries
    ? summaries[command as keyof typeof summaries]
    : command === "plan"
    ? ["plan COMMAND", "Makes and checks tracking plans"]
    : ["COMMAND", description]
  return renderHelp(name, {
    usage: use,
    summary,
    doc: Command.getHelp(descriptors[command], config),
    commands: commands.length === 0 ? undefined : commands,
    examples: examples[command] ?? []
  })
}

// -- the process -------------------------------------------------------------------------------------------------------

/**
 * Repairs the bash completions of @effect/cli 0.77.2. Its script uses two different names for a command whose name has
 * a hyphen, and for a subcommand.
 */
const withWorkingCompletions = (text: string): string =>
  text.includes(`function _${name}_bash_completions`)
    ? text
      .replaceAll(`cmd="${name}"`, `cmd="${bashName}"`)
      .replaceAll(`        ${name})`, `        ${bashName})`)
      .replaceAll(`${bashName},plan,`, `${bashName}__plan,`)
    : text

const bashName = name.replace("-", "__")

/** Writes help and completions to stdout, with styles on a terminal only. `main` prints errors when it ends. */
const withConsole = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Console.consoleWith((console) => {
    const styled = Terminal.stylesAllowed(process.stdout)
    return Effect.withConsole(
      effect,
      Object.assign(Object.create(console) as Console.Console, {
        log: (...args: ReadonlyArray<unknown>) => {
          const line = withWorkingCompletions(args.map(String).join(" ").trimEnd())
          return Terminal.outLine(styled ? line : Terminal.withoutStyles(line).replace(/[ \t]+$/gm, ""))
        },
        error: () => Effect.void
      })
    )
  })

/** A usage error on one line, with the option that has the wrong value. */
const wordsOf = (error: ValidationError.ValidationError, args: ReadonlyArray<string>): string => {
  const words = Terminal.withoutStyles(HelpDoc.toAnsiText(error.error)).replace(/\s+/g, " ").trim()
    .replace(/^\((Invalid data at .*)\)$/, "$1").replace(/\.$/, "")
  const wrong = /^'(.*)' is not a integer$/.exec(words)?.[1]
  const choices = /^Expected one of the following cases: (.*)$/.exec(words)?.[1]
  const option = wrong !== undefined
    ? optionsIn(args).find(([, value]) => value === wrong)?.[0]
    : optionOfChoices.get(choices ?? "")
  return option === undefined
    ? words
    : wrong !== undefined
    ? `--${option} ${wrong}: give a whole number`
    : `--${option}: give ${choices!.replace(/, (?=[^,]*$)/, " or ")}`
}

/** The options of a command line with their values. */
const optionsIn = (args: ReadonlyArray<string>): ReadonlyArray<readonly [option: string, value: string | undefined]> =>
  args.flatMap((arg, index) => {
    const [, option, value] = /^--([^=]+)(?:=(.*))?$/s.exec(arg) ?? []
    return option === undefined ? [] : [[option, value ?? args[index + 1]] as const]
  })

const messageOf = (cause: Cause.Cause<unknown>, args: ReadonlyArray<string>): readonly [string, number] => {
  const failure = Option.getOrUndefined(Cause.failureOption(cause))
  if (failure instanceof CliFailure) return [failure.message, failure.exitCode]
  if (ValidationError.isValidationError(failure)) {
    const command = args.filter((arg) => /^[a-z]+$/.test(arg)).slice(0, 2)
    const known = [command.join(" "), command[0] ?? ""].find((key) => key !== "" && key in examples)
    return [
      `${wordsOf(failure, args)} (see ${[name, ...known === undefined ? [] : [known], "--help"].join(" ")})`,
      exitCodes.usage
    ]
  }
  if (Cause.isInterruptedOnly(cause)) return ["", exitCodes.interrupted]
  return [
    `this is a bug in effect-amplitude: ${Cause.pretty(cause).split("\n").slice(0, 3).join(" ")}`,
    exitCodes.failed
  ]
}

/** Runs a command line, and ends the process with its exit status. */
export const main = (argv: ReadonlyArray<string>): void => {
  const [args, command] = HelpAsked.splitCommand(argv.slice(2))
  const asked = HelpAsked.helpAskedFor(args)
  const program = asked === undefined
    ? Command.run(rootOf(command), { name, version })([
      ...argv.slice(0, 2),
      ...args.map((arg) => arg === "-" ? stdin : arg)
    ]).pipe(
      withConsole,
      Effect.provide([NodeContext.layer, CliConfig.layer(config)])
    )
    : Terminal.outLine(HelpAsked.styled(helpOf(asked)))
  NodeRuntime.runMain(program, {
    disableErrorReporting: true,
    teardown: (exit) => {
      const [message, code] = Exit.isSuccess(exit) ? ["", exitCodes.done] as const : messageOf(exit.cause, args)
      const told = message === "" ? Effect.void : Terminal.errLine(
        `${Terminal.onStderr("red", "error:")} ${Terminal.plain(message)}`
      )
      Effect.runFork(Effect.zipRight(told, Terminal.drained)).addObserver(() => process.exit(code))
    }
  })
}
