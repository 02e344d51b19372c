/** Each call of the client, compared with the schemas as the oracle: the verdict, the path of the fault and the bytes. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, FastCheck, FiberRef, ParseResult, Redacted, Schema } from "effect"
import type { Revenue } from "effect-amplitude"
import { Amplitude, AmplitudeConfig, Event, Identify } from "effect-amplitude"
import { Groups, Parts } from "../../src/Event.js"
import * as InternalIdentify from "../../src/Identify.js"
import * as Encoder from "../../src/internal/event/encoder.js"
import { eventOptions } from "../../src/internal/event/eventOptions.js"
import { copyProperties } from "../../src/internal/event/properties.js"
import { validationIssueOf } from "../../src/internal/event/schemaIssue.js"
import { Revenue as InternalRevenue } from "../../src/Revenue.js"
import { odd } from "../support/odd.js"

const numRuns = Number(process.env["PROPERTY_RUNS"] ?? 300)
const fastCheck = { numRuns }

const settings = { ...AmplitudeConfig.defaults, apiKey: Redacted.make("key") }

const drafts = new Encoder.Drafts()

/** The JSON of an event, or the path of its fault. */
const written = (
  given: Encoder.Given,
  local?: AmplitudeConfig.Defaults,
  defaults?: AmplitudeConfig.Defaults
): string => {
  const draft = drafts.make()
  const issue = Encoder.read(draft, given, local, { ...settings, eventOptions: defaults })
  if (issue === undefined) draft.writer.closeObject()
  const result = issue === undefined ? Encoder.jsonOf(draft) : `refused: ${issue.path}`
  drafts.done(draft)
  return result
}

/** The members of an `Identify` are in the order in which it was made, and those of its schema in another one. */
const assertSame = (found: string, expected: string): void => {
  if (found.startsWith("refused") || expected.startsWith("refused")) assert.strictEqual(found, expected)
  else {
    assert.deepStrictEqual(JSON.parse(found), JSON.parse(expected))
    assert.strictEqual(found.length, expected.length)
  }
}

const pathOf = ({ path }: { readonly path: string }): string => `refused: ${path}`

/** What the constructor with the same arguments gives, when it is tracked. */
const ofConstructor = (parts: Parts): string => written([parts.toEvent()])

const text = FastCheck.string({ unit: "grapheme", maxLength: 8 })

const value = FastCheck.oneof({ weight: 6, arbitrary: FastCheck.jsonValue({ maxDepth: 3 }) }, odd)

const named = FastCheck.oneof(
  { weight: 6, arbitrary: text },
  FastCheck.constantFrom("__proto__", "constructor", "toJSON")
)

/** `Schema.Record` loses a member `__proto__`. */
const groupType = named.filter((name) => name !== "__proto__")

const groupName = FastCheck.oneof(text, FastCheck.array(text, { maxLength: 3 }), odd)

// -- identify ----------------------------------------------------------------------------------------------------------

const steps = FastCheck.array(
  FastCheck.oneof(
    FastCheck.tuple(named, value).map(([name, value]) => Identify.set(name, value)),
    FastCheck.tuple(named, FastCheck.double()).map(([name, value]) => Identify.add(name, value)),
    FastCheck.tuple(named, value).map(([name, value]) => Identify.append(name, value)),
    named.map((name) => Identify.unset(name)),
    FastCheck.constant(Identify.clearAll)
  ),
  { maxLength: 4 }
)

const identify = FastCheck.oneof(
  { weight: 6, arbitrary: steps.map((steps) => steps.reduce((made, step) => step(made), Identify.empty)) },
  odd as FastCheck.Arbitrary<Identify.Identify>
)

const ofIdentify = (identify: Identify.Identify, field: string, event: object): string =>
  Either.match(InternalIdentify.validate(identify, field), {
    onLeft: pathOf,
    onRight: ({ operations }) => JSON.stringify({ ...event, [field]: operations })
  })

/** Properties as they are sent: long strings are cut. */
const copied = (properties: object): object => Either.getOrThrow(copyProperties(properties, "properties"))

/** The groups by their schema, which reads only what JSON does. */
const ofGroups = (groups: object, sent: (groups: object) => object): string =>
  Either.match(ParseResult.validateEither(Groups, { onExcessProperty: "error" })(groups), {
    onLeft: (issue) => pathOf(validationIssueOf(issue, "groups")),
    onRight: (groups) => JSON.stringify(sent(groups))
  })

const revenue = FastCheck.record({
  price: FastCheck.oneof({ weight: 6, arbitrary: FastCheck.double() }, odd),
  quantity: FastCheck.oneof({ weight: 6, arbitrary: FastCheck.integer({ min: -1, max: 3 }) }, odd),
  productId: FastCheck.oneof({ weight: 6, arbitrary: text }, odd),
  currency: FastCheck.oneof({ weight: 6, arbitrary: text }, odd),
  revenue: FastCheck.oneof({ weight: 6, arbitrary: FastCheck.double() }, odd),
  properties: FastCheck.oneof({ weight: 6, arbitrary: FastCheck.dictionary(named, value, { maxKeys: 3 }) }, odd)
}, { requiredKeys: ["price"] }) as unknown as FastCheck.Arbitrary<Revenue.Input>

describe("every call is refused and written as the schemas say", () => {
  it.prop("identify", [identify], ([identify]) => {
    const parts = Parts.identify(identify)
    assertSame(written([parts]), ofIdentify(identify, "user_properties", { event_type: "$identify" }))
    assert.strictEqual(ofConstructor(parts), written([parts]))
  }, { fastCheck })

  it.prop("groupIdentify", [groupType, groupName, identify], ([type, name, identify]) => {
    const parts = Parts.groupIdentify(type, name as string, identify)
    const operations = ofIdentify(identify, "group_properties", {})
    const isRefused = operations.startsWith("refused")
    const expected = ofGroups({ [type]: name }, (groups) => ({
      event_type: "$groupidentify",
      groups,
      ...(isRefused ? {} : JSON.parse(operations) as object)
    }))
    const found = written([parts])
    // of two faults any is told
    if (isRefused) assert.include([operations, expected], found)
    else assertSame(found, expected)
    assert.strictEqual(ofConstructor(parts), found)
  }, { fastCheck })

  it.prop("setGroup", [groupType, groupName], ([type, name]) => {
    const parts = Parts.setGroup(type, name as string)
    assert.strictEqual(
      written([parts]),
      ofGroups(
        { [type]: name },
        (groups) => ({ event_type: "$identify", groups, user_properties: copied({ $set: groups }) })
      )
    )
    assert.strictEqual(ofConstructor(parts), written([parts]))
  }, { fastCheck })

  it.prop("revenue", [revenue], ([revenue]) => {
    const parts = Parts.revenue(revenue)
    assert.strictEqual(
      written([parts]),
      Either.match(InternalRevenue.validate(revenue), {
        onLeft: pathOf,
        onRight: (checked) =>
          JSON.stringify({
            event_type: "revenue_amount",
            event_properties: copied(InternalRevenue.toEventProperties(checked))
          })
      })
    )
    assert.strictEqual(ofConstructor(parts), written([parts]))
  }, { fastCheck })

  const isEvent = Schema.is(Schema.Struct(Event.fields))
  const fields = FastCheck.record({
    user_id: text,
    ip: FastCheck.oneof(text, FastCheck.constant(undefined)),
    price: FastCheck.double(),
    groups: FastCheck.dictionary(groupType, FastCheck.oneof(text, FastCheck.array(text, { maxLength: 3 })), {
      maxKeys: 2
    }),
    time: FastCheck.oneof(FastCheck.integer(), FastCheck.date()),
    library: FastCheck.oneof(text, FastCheck.integer())
  }, { requiredKeys: [] }) as FastCheck.Arbitrary<object>

  it.prop("options of scopes and of the client", [fields, fields, fields, fields], ([own, inner, outer, defaults]) => {
    const local = Effect.runSync(
      FiberRef.get(eventOptions).pipe(Amplitude.withEventOptions(inner), Amplitude.withEventOptions(outer))
    )
    const found = written(["type", undefined, own], local, defaults)
    const merged = [own, inner, outer, defaults].reduceRight<object>(
      (merged, layer) => ({
        ...merged,
        ...Object.fromEntries(Object.entries(layer).filter(([, value]) => value !== undefined))
      }),
      { event_type: "type" }
    )
    assert.strictEqual(!found.startsWith("refused"), isEvent(merged))
    if (!isEvent(merged)) return
    const { library: _, time, ...rest } = merged
    assert.deepStrictEqual(
      JSON.parse(found),
      JSON.parse(JSON.stringify({ ...rest, time: time === undefined ? undefined : Number(time) }))
    )
  }, { fastCheck })
})
