import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Equal, FastCheck, JSONSchema, Pretty, Schema } from "effect"
import {
  AmplitudeClosed,
  BufferFull,
  DeliveryError,
  DeliveryReport,
  Event,
  EventOptions,
  Identify,
  IngestionMetadata,
  InvalidConfig,
  InvalidEvent,
  Plan,
  PluginError,
  Revenue,
  StorageError,
  TransportError
} from "effect-amplitude"

const data: ReadonlyArray<readonly [string, Schema.Schema<any, any>]> = [
  ["Event", Event],
  ["EventOptions", EventOptions],
  ["Plan", Plan],
  ["IngestionMetadata", IngestionMetadata],
  ["Revenue", Revenue],
  ["Identify", Identify.Identify]
]

const dropped = new DeliveryReport.Dropped({
  code: 400,
  message: "no",
  attempts: 2,
  reason: "Rejected",
  event: { event_type: "Clicked" }
})

describe("schemas", () => {
  for (const [name, schema] of data) {
    it(`${name} has a JSON Schema`, () => {
      const { properties } = JSON.parse(JSON.stringify(JSONSchema.make(schema))) as { readonly properties?: object }
      assert.isDefined(properties ?? JSONSchema.make(schema).$defs)
    })

    it(`${name} has values, which are the same after JSON and can be printed`, () => {
      FastCheck.assert(
        FastCheck.property(Arbitrary.make(schema), (value) => {
          const encode = Schema.encodeSync(schema)
          const json = JSON.stringify(encode(value))
          const decoded = Schema.decodeUnknownSync(schema)(
            JSON.parse(json).time === undefined ? JSON.parse(json) : {
              ...JSON.parse(json),
              time: encode(value).time
            }
          )
          assert.strictEqual(JSON.stringify(encode(decoded)), json)
          assert.isString(Pretty.make(schema)(value))
        }),
        { numRuns: 20, seed: 1 }
      )
    })
  }

  it("the time of an event is an integer in JSON", () => {
    const { properties } = JSONSchema.make(Schema.typeSchema(Schema.Struct(Event.fields))) as unknown as {
      readonly properties: Readonly<Record<string, object>>
    }
    assert.deepInclude(properties.time, { type: "integer" })
  })

  for (
    const error of [
      new InvalidEvent({ field: "user_id", expected: "a string", actual: "null" }),
      new BufferFull({ capacity: 5 }),
      new StorageError({ cause: new Error("the disk is full") }),
      new AmplitudeClosed(),
      new InvalidConfig({ option: "apiKey", expected: "a key", actual: "none" }),
      new TransportError({ reason: "Timeout" }),
      new PluginError({ plugin: "redact", message: "no" }),
      new DeliveryError({ reason: "Stored", message: "still stored" }),
      new DeliveryError({ reason: "Rejected", message: "no", report: dropped })
    ]
  ) {
    it(`${error._tag} is the same after JSON`, () => {
      const schema = error.constructor as unknown as Schema.Schema<typeof error, unknown>
      const decoded = Schema.decodeUnknownSync(schema)(JSON.parse(JSON.stringify(Schema.encodeSync(schema)(error))))
      assert.strictEqual(String(decoded), String(error))
      assert.deepStrictEqual(JSON.parse(JSON.stringify(decoded)).report, JSON.parse(JSON.stringify(error)).report)
      assert.isTrue(decoded instanceof (error.constructor as typeof Error))
      assert.isDefined(JSONSchema.make(schema))
    })
  }

  it("an Identify is equal to the one that is decoded from its JSON", () => {
    const identify = Identify.empty.pipe(Identify.set("plan", { name: ["pro"] }), Identify.unset("trial"))
    const decoded = Schema.decodeUnknownSync(Identify.Identify)(JSON.parse(JSON.stringify(identify)))
    assert.isTrue(Equal.equals(decoded, identify))
  })
})
