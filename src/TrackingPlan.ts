/**
 * A tracking plan lists the events of a product: their names, their properties and what these mean. It gives typed
 * calls, a check for events from elsewhere, a JSON Schema, and a Markdown table for readers who do not read code.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as JSONSchema from "effect/JSONSchema"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as AST from "effect/SchemaAST"
import { Amplitude } from "./Amplitude.js"
import { InvalidEvent } from "./AmplitudeError.js"
import { Event, issueKey, unsafeMake } from "./Event.js"
import { copyProperties } from "./internal/event/properties.js"
import { validationIssueOf } from "./internal/event/schemaIssue.js"
import type { ValidationIssue } from "./internal/event/validationIssue.js"
import { guarded, join, kindOf } from "./internal/event/validationIssue.js"

/**
 * An event's properties with a description of the event.
 *
 * @since 0.1.0
 * @category models
 */
export interface Described {
  /** When the event happens, in plain words. Default none. */
  readonly description?: string | undefined
  readonly properties: Event.PropertyFields
}

/**
 * An event of a plan: the schemas of its properties, the schemas with a description, or a constructor of
 * `Event.define`.
 *
 * @since 0.1.0
 * @category models
 */
export type Entry = Event.PropertyFields | Described | Event.Definition<any, any>

/**
 * The schemas of the properties of an entry.
 *
 * @since 0.1.0
 * @category models
 */
export type FieldsOf<E> = E extends Event.Definition<any, infer Fields> ? Fields
  : E extends Event.PropertyFields ? E
  : E extends { readonly properties: infer Fields extends Event.PropertyFields } ? Fields
  : never

/**
 * A tracking plan. `Events` holds the schemas of the properties of each event by its name.
 *
 * @since 0.1.0
 * @category models
 */
export interface TrackingPlan<Events extends { readonly [name: string]: Event.PropertyFields }> {
  /** Tracks an event of the plan, as `Amplitude.track` does. */
  readonly track: <Name extends keyof Events & string>(
    name: Name,
    ...args: Parameters<Event.Definition<Name, Events[Name]>>
  ) => Effect.Effect<void, never, Amplitude>
  /** An event of the plan, for `trackOrFail` and `trackAndWait`. */
  readonly event: <Name extends keyof Events & string>(
    name: Name,
    ...args: Parameters<Event.Definition<Name, Events[Name]>>
  ) => Event
  /** The constructor of each event, as `Event.define` gives it. */
  readonly definitions: { readonly [Name in keyof Events & string]: Event.Definition<Name, Events[Name]> }
  /** A JSON Schema of the properties of each event, as they are sent. */
  readonly jsonSchema: { readonly [Name in keyof Events & string]: JSONSchema.JsonSchema7Root }
  /** The plan as a Markdown table, with one row for each property. */
  readonly markdown: string
  /**
   * Checks that an event is in the plan, and that its encoded properties match the schemas. Events that Amplitude
   * defines pass unless the plan has them: `$identify`, `$groupidentify`, `revenue_amount`, and names that begin with
   * `[Amplitude]`.
   */
  readonly check: <A extends Event | Event.Input>(event: A) => Either.Either<A, InvalidEvent>
  /**
   * The function of a `before` plugin that drops events which fail the check. Each kind of issue is logged once, up to
   * 100 kinds.
   */
  readonly strict: (event: Event) => Effect.Effect<Event | Option.Option<Event>>
}

/**
 * Makes a plan of events by their names. Properties are given as the type side of their schemas and sent as the encoded
 * side. Their `description` annotations appear in the Markdown and the JSON Schema.
 *
 * @since 0.1.0
 * @category constructors
 * @example
 * import { Schema } from "effect"
 * import { TrackingPlan } from "effect-amplitude"
 *
 * const plan = TrackingPlan.make({
 *   "Song Played": {
 *     description: "A song was played to its end",
 *     properties: {
 *       title: Schema.String.annotations({ description: "As on the record" }),
 *       seconds: Schema.Number
 *     }
 *   },
 *   "Song Skipped": { title: Schema.String }
 * })
 *
 * const program = plan.track("Song Played", { title: "So What", seconds: 562 }, { user_id: "user-12345" })
 */
export const make = <const Entries extends { readonly [name: string]: Entry }>(
  entries: Entries & { readonly [Name in keyof Entries]: Checked<Name, Entries[Name]> }
): TrackingPlan<{ readonly [Name in keyof Entries & string]: FieldsOf<Entries[Name]> }> => {
  const events = new Map(Object.entries<Entry>(entries).map(([name, entry]) => [name, describe(name, entry)]))
  const check = checkOf(events)
  const event = (name: string, ...args: Parameters<Definition>): Event => {
    const planned = events.get(name)
    if (planned === undefined) {
      return unsafeMake({ event_type: name, [issueKey]: notPlanned("an event that is not in it") })
    }
    const made = planned.definition(...args)
    if (planned.hasProperties) return made
    const issue = Option.getOrUndefined(Either.getLeft(check(made)))
    return issue === undefined ? made : unsafeMake({ ...made, [issueKey]: issue })
  }
  let jsonSchema: { readonly [name: string]: JSONSchema.JsonSchema7Root } | undefined
  let markdown: string | undefined
  const plan: TrackingPlan<{ readonly [name: string]: Event.PropertyFields }> = {
    event,
    track: (name, ...args) => Effect.suspend(() => Amplitude.track(event(name, ...args))),
    definitions: mapEvents(events, ({ definition }) => definition),
    get jsonSchema() {
      return jsonSchema ??= mapEvents(events, toJsonSchema)
    },
    get markdown() {
      return markdown ??= toMarkdown(events)
    },
    check: (event) =>
      Either.mapBoth(check(event), { onLeft: (issue) => new InvalidEvent(toError(issue)), onRight: () => event }),
    strict: strictOf(check)
  }
  return plan as unknown as TrackingPlan<{ readonly [Name in keyof Entries & string]: FieldsOf<Entries[Name]> }>
}

/**
 * The type check of an entry. Its properties must encode without services, and a constructor of `Event.define` must
 * stand under its own name.
 *
 * @since 0.1.0
 * @category models
 */
export type Checked<Name, E> = E extends Event.Definition<infer Type, any> ? Type extends Name ? unknown : never
  : [Schema.Struct.Context<FieldsOf<E>>] extends [never] ? unknown
  : never

// -- the events --------------------------------------------------------------------------------------------------------

type Definition = Event.Definition<string, { readonly [name: string]: Schema.Schema<any> }>

interface Property {
  /** The encoded name. */
  readonly name: string
  readonly optional: boolean
  /** The schema of the encoded side, or `Schema.Unknown` if there is no JSON Schema for it. */
  readonly schema: Schema.Schema.AnyNoContext
  readonly description: string | undefined
  readonly json: JsonSchema
  readonly definitions: { readonly [name: string]: JSONSchema.JsonSchema7 }
}

interface PlannedEvent {
  readonly definition: Definition
  readonly description: string | undefined
  readonly hasProperties: boolean
  readonly properties: () => ReadonlyArray<Property>
}

type Events = ReadonlyMap<string, PlannedEvent>

/** The parts of a JSON Schema that are read. */
interface JsonSchema {
  readonly $ref?: string
  readonly type?: string
  readonly enum?: ReadonlyArray<unknown>
  readonly anyOf?: ReadonlyArray<JsonSchema>
  readonly allOf?: ReadonlyArray<JsonSchema>
  readonly items?: unknown
  readonly description?: string
}

const mapEvents = <A>(events: Events, f: (event: PlannedEvent) => A): { readonly [name: string]: A } =>
  Object.fromEntries([...events].map(([name, event]) => [name, f(event)]))

const describe = (name: string, entry: Entry): PlannedEvent => {
  const { description, fields } = read(entry)
  return {
    definition: Event.define(name, fields),
    description,
    hasProperties: Object.keys(fields).length > 0,
    properties: memoized(() => Object.keys(fields).map((key) => toProperty(key, fields[key]!)))
  }
}

/** `Checked` admits only schemas that encode without services. */
type Schemas = Record<string, Schema.Schema.AnyNoContext>

const read = (entry: Entry): { readonly fields: Schemas; readonly description?: string | undefined } => {
  if (typeof entry === "function") return { fields: entry.schema.fields }
  return isDescribed(entry)
    ? { fields: entry.properties as Schemas, description: entry.description }
    : { fields: entry as Schemas }
}

/** An event can have a property with the name `properties`: there the value is a schema. */
const isDescribed = (entry: Event.PropertyFields | Described): entry is Described =>
  "properties" in entry && !Schema.isSchema(entry.properties) && !Schema.isPropertySignature(entry.properties)

const memoized = <A>(f: () => A): () => A => {
  let memo: { readonly value: A } | undefined
  return () => (memo ??= { value: f() }).value
}

const toProperty = (key: string, field: Schema.Schema.AnyNoContext): Property => {
  const struct = Schema.Struct({ [key]: field })
  const [signature] = (Schema.encodedBoundSchema(struct).ast as AST.TypeLiteral).propertySignatures
  const name = String(signature?.name ?? key)
  const description = descriptionOf(field)
  const made = Either.getRight(Either.try(() => JSONSchema.make(struct)))
  const root = Option.getOrUndefined(made) as
    | { readonly properties?: { readonly [name: string]: JsonSchema }; readonly $defs?: Property["definitions"] }
    | undefined
  const json = root?.properties?.[name]
  return {
    name,
    // an `undefined` is not sent
    optional: signature !== undefined && (signature.isOptional || acceptsUndefined(signature.type)),
    schema: json === undefined || signature === undefined ? Schema.Unknown : Schema.make(signature.type),
    description,
    json: description === undefined ? json ?? {} : describeJson(json ?? {}, description),
    definitions: root?.$defs ?? {}
  }
}

const acceptsUndefined = (ast: AST.AST): boolean =>
  AST.isUndefinedKeyword(ast) || AST.isVoidKeyword(ast) ||
  (AST.isUnion(ast) && ast.types.some(acceptsUndefined)) ||
  (AST.isRefinement(ast) && acceptsUndefined(ast.from))

/** JSON Schema (draft 7) ignores the keywords beside a `$ref`. */
const describeJson = (json: JsonSchema, description: string): JsonSchema =>
  json.$ref === undefined ? { ...json, description } : { allOf: [json], description }

/** The description of the property, or else of its schema, without the ones that Schema generates. */
const descriptionOf = (field: Schema.Schema.AnyNoContext | Schema.PropertySignature.All): string | undefined => {
  const ast: AST.AST | Schema.PropertySignature.AST = field.ast
  const candidates: ReadonlyArray<AST.Annotated> = ast._tag === "PropertySignatureDeclaration"
    ? [ast, ast.type]
    : ast._tag === "PropertySignatureTransformation"
    ? [ast.to, ast.from, ast.to.type, ast.from.type]
    : [ast]
  return candidates
    .flatMap((annotated) =>
      "_tag" in annotated && AST.isUnion(annotated as AST.AST)
        ? [annotated, ...(annotated as AST.Union).types]
        : annotated
    )
    .filter((annotated) => !keywords.has(annotated))
    .map((annotated) => Option.getOrUndefined(AST.getDescriptionAnnotation(annotated)))
    .find((description) => description !== undefined && !/ to be decoded into /.test(description))
}

const keywords: ReadonlySet<AST.Annotated> = new Set<AST.Annotated>([
  AST.stringKeyword,
  AST.numberKeyword,
  AST.booleanKeyword,
  AST.unknownKeyword,
  AST.anyKeyword,
  AST.undefinedKeyword
])

// -- the check ---------------------------------------------------------------------------------------------------------

type Check = (event: Event | Event.Input) => Either.Either<void, ValidationIssue>

const notPlanned = (actual: string): ValidationIssue => ({
  path: "event_type",
  expected: "an event of the tracking plan",
  actual
})

const toError = ({ actual, expected, path }: ValidationIssue) => ({ field: path, expected, actual })

const checkOf = (events: Events): Check => {
  const checks = new Map([...events].map(([name, event]) => [name, memoized(() => checkProperties(event))]))
  return (event) =>
    guarded("event", () => {
      const { event_properties = {}, event_type, [issueKey]: issue } = event as Event & {
        readonly [issueKey]?: ValidationIssue
      }
      if (issue !== undefined) return Either.left(issue)
      const check = checks.get(event_type)
      if (check !== undefined) return check()(event_properties)
      return isSpecial(event_type)
        ? Either.void
        : Either.left(notPlanned(typeof event_type === "string" ? "an event that is not in it" : kindOf(event_type)))
    })
}

const isSpecial = (name: unknown): boolean =>
  name === "$identify" || name === "$groupidentify" || name === "revenue_amount" ||
  (typeof name === "string" && name.startsWith("[Amplitude]"))

/** Checks the properties as they are sent, after `toJSON`. A property that was `undefined` is missing in them. */
const checkProperties = (
  { properties }: PlannedEvent
): (properties: unknown) => Either.Either<void, ValidationIssue> => {
  const fields = properties().map(({ name, optional, schema }) => [
    name,
    // a required property of any type is refused if it is missing
    optional ? Schema.optional(schema) : schema.pipe(Schema.filter(Predicate.isNotUndefined))
  ])
  const validate = ParseResult.validateEither(
    Schema.Struct(Object.fromEntries(fields)) as unknown as Schema.Schema.AnyNoContext,
    { onExcessProperty: "error" }
  )
  return (given) =>
    Either.flatMap(copyProperties(given, "event_properties"), (copy) => {
      // a Schema struct without fields accepts any value
      const [key] = fields.length === 0 ? Object.keys(copy) : []
      if (key !== undefined) {
        return Either.left({
          path: join("event_properties", [key]),
          expected: "no such field",
          actual: kindOf(copy[key])
        })
      }
      return Either.mapBoth(validate(copy), {
        onLeft: (issue) => validationIssueOf(issue, "event_properties"),
        onRight: () => undefined
      })
    })
}

/** The most kinds of issues that are logged. Names and paths come from the events, so that there can be any number. */
const maxIssues = 100

const strictOf = (check: Check): TrackingPlan<{}>["strict"] => {
  const told = new Set<string>()
  return (event) =>
    Effect.suspend(() =>
      Either.match(check(event), {
        onRight: () => Effect.succeed<Event | Option.Option<Event>>(event),
        onLeft: (issue) => {
          const { message } = new InvalidEvent(toError(issue))
          const kind = `${String(event.event_type)}: ${message}`
          if (told.has(kind) || told.size >= maxIssues) return Effect.succeedNone
          told.add(kind)
          return Effect.logWarning(`an event that is not of the tracking plan was dropped: ${message}`).pipe(
            Effect.annotateLogs({
              package: "effect-amplitude",
              module: "TrackingPlan",
              event_type: String(event.event_type)
            }),
            Effect.as(Option.none())
          )
        }
      })
    )
}

// -- JSON Schema and Markdown ------------------------------------------------------------------------------------------

const toJsonSchema = ({ description, properties }: PlannedEvent): JSONSchema.JsonSchema7Root => {
  const all = properties()
  const definitions = Object.assign({}, ...all.map(({ definitions }) => definitions)) as object
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    ...(Object.keys(definitions).length === 0 ? undefined : { $defs: definitions }),
    type: "object",
    ...(description === undefined ? undefined : { description }),
    required: all.filter(({ optional }) => !optional).map(({ name }) => name),
    properties: Object.fromEntries(all.map(({ json, name }) => [name, json])),
    additionalProperties: false
  } as JSONSchema.JsonSchema7Root
}

const toMarkdown = (events: Events): string =>
  [
    ["Event", "Description", "Property", "Type", "Required", "Property description"],
    ["---", "---", "---", "---", "---", "---"],
    ...[...events].flatMap(([name, event]) => rowsOf(name, event).map((row) => row.map(escapeCell)))
  ].map((row) => `| ${row.join(" | ")} |\n`).join("")

const rowsOf = (name: string, { description = "", properties }: PlannedEvent): ReadonlyArray<ReadonlyArray<string>> => {
  const rows = properties().map((property) => [
    property.name,
    typeInWords(property.json, property.definitions),
    property.optional ? "no" : "yes",
    property.description ?? ""
  ])
  return (rows.length === 0 ? [["", "", "", ""]] : rows).map((row, index) =>
    index === 0 ? [name, description, ...row] : ["", "", ...row]
  )
}

const escapeCell = (text: string): string => text.replace(/[\\|]/g, "\\$&").replace(/\s+/g, " ").trim()

const words: Readonly<Record<string, string>> = {
  string: "text",
  number: "number",
  integer: "whole number",
  boolean: "true or false",
  object: "object",
  null: "nothing"
}

/** The name in a reference to a definition, where `/` and `~` are escaped (RFC 6901). */
const nameOfRef = (ref: string): string => ref.replace(/^#\/\$defs\//, "").replace(/~1/g, "/").replace(/~0/g, "~")

const typeInWords = (json: JsonSchema, definitions: Property["definitions"], depth = 0): string => {
  const inWords = (inner: JsonSchema) => typeInWords(inner, definitions, depth + 1)
  if (depth > 10) return "anything"
  if (json.$ref !== undefined) return inWords((definitions[nameOfRef(json.$ref)] ?? {}) as JsonSchema)
  if (json.enum !== undefined) return json.enum.map((value) => JSON.stringify(value)).join(" or ")
  if (json.anyOf !== undefined) return [...new Set(json.anyOf.map(inWords))].join(" or ")
  if (json.type === "array") {
    return typeof json.items === "object" && !Array.isArray(json.items) ? `list of ${inWords(json.items!)}` : "list"
  }
  if (json.type === undefined) return json.allOf?.[0] === undefined ? "anything" : inWords(json.allOf[0])
  return words[json.type] ?? "anything"
}
