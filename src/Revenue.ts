/**
 * A sale or, with a negative price, a refund.
 *
 * @since 0.1.0
 */
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { arePlain, assign, copyProperties, isPlain, Properties } from "./internal/event/properties.js"
import { validationIssueOf } from "./internal/event/schemaIssue.js"
import type { ValidationIssue } from "./internal/event/validationIssue.js"
import { guarded, join, kindOf } from "./internal/event/validationIssue.js"

/**
 * A sale or, with a negative price, a refund.
 *
 * The calls take a plain object with the same fields as well: `Amplitude.revenue({ price: 3.99, quantity: 3 })`.
 *
 * @example
 * ```ts
 * import { Revenue } from "effect-amplitude"
 *
 * const sale = new Revenue({ price: 3.99, productId: "sku-1" })
 *
 * sale.quantity // 1
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export class Revenue extends Schema.Class<Revenue>("effect-amplitude/Revenue")({
  /** Of one piece; negative is a refund. */
  price: Schema.Finite,
  quantity: Schema.optionalWith(Schema.Int.pipe(Schema.positive({ description: "an integer above 0" })), {
    default: () => 1
  }),
  productId: Schema.optional(Schema.String),
  revenueType: Schema.optional(Schema.String),
  /** What the app store gave for the purchase, for Amplitude to verify it. */
  receipt: Schema.optional(Schema.String),
  /** The signature of the receipt, which Google Play asks for. */
  receiptSig: Schema.optional(Schema.String),
  /** The total; the service prefers `price` times `quantity`. */
  revenue: Schema.optional(Schema.Finite),
  /** As ISO 4217 writes it: `EUR`. */
  currency: Schema.optional(Schema.String),
  properties: Schema.optional(Properties)
}) {
  /**
   * The `event_properties` of the event. It neither checks nor throws: `validate` checks the same value when it is
   * tracked.
   *
   * @internal
   */
  static toEventProperties(self: Revenue | Revenue.Input): Properties {
    return Either.getOrElse(Either.try(() => eventProperties(self, assign({}, self.properties))), () => unreadable)
  }

  /**
   * The `event_properties` of a plain revenue that needs no further check. If it is undefined, `validate` decides.
   * Reading the value may throw.
   *
   * @internal
   */
  static plainEventProperties(self: Revenue | Revenue.Input): Properties | undefined {
    if (typeof self !== "object" || self === null || !(self instanceof Revenue || isPlain(self))) return undefined
    for (const name in self) {
      if (!fieldNames.has(name)) return undefined
    }
    const { properties } = self
    if (properties !== undefined && !arePlain(properties)) return undefined
    const wire = eventProperties(self, assign({}, properties))
    return Number.isFinite(wire.$price) && Number.isSafeInteger(wire.$quantity) && wire.$quantity > 0 &&
        isText(wire.$productId) &&
        isText(wire.$revenueType) && isText(wire.$receipt) && isText(wire.$receiptSig) && isText(wire.$currency) &&
        (wire.$revenue === undefined || Number.isFinite(wire.$revenue))
      ? wire
      : undefined
  }

  /**
   * Checks a revenue when it is tracked. The result is a deep copy. `path` is the path of the value in the event, empty
   * for the root.
   *
   * @internal
   */
  static validate(input: unknown, path: string = ""): Either.Either<Revenue, ValidationIssue> {
    return Either.flatMap(
      guarded(path, () => readFields(input, path)),
      (fields) => Either.mapLeft(decode(fields), (issue) => validationIssueOf(issue, path))
    )
  }
}

/**
 * @since 0.1.0
 */
export declare namespace Revenue {
  /**
   * The fields of a `Revenue` as a plain object.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Input {
    /** The price of one item. A negative price is a refund. */
    readonly price: number
    /** The number of items, an integer above 0. Default 1. */
    readonly quantity?: number | undefined
    /** The id of the product, for example `sku-1`. */
    readonly productId?: string | undefined
    /** The kind of revenue: `purchase`, `refund`, `subscription`. */
    readonly revenueType?: string | undefined
    /** The receipt of the app store, with which Amplitude verifies the purchase. */
    readonly receipt?: string | undefined
    /** The signature of the receipt, which Google Play needs. */
    readonly receiptSig?: string | undefined
    /** The total. Amplitude prefers `price` times `quantity`. */
    readonly revenue?: number | undefined
    /** The ISO 4217 code of the currency: `EUR`. */
    readonly currency?: string | undefined
    /** Further properties of the event. */
    readonly properties?: Properties | undefined
  }
}

/** Replaces a value that throws when it is read. A symbol is no JSON, so that the check refuses it. */
const unreadable: Properties = Object.freeze({ "(a revenue that cannot be read)": Symbol("unreadable") })

/** Merges the fields into the properties. Fields win over properties of the same name. */
const eventProperties = (self: Revenue | Revenue.Input, wire: Record<string, any>): Properties => {
  const { currency, price, productId, quantity, receipt, receiptSig, revenue, revenueType } = self
  wire.$price = price
  wire.$quantity = quantity === undefined ? 1 : quantity
  if (productId !== undefined) wire.$productId = productId
  if (revenueType !== undefined) wire.$revenueType = revenueType
  if (receipt !== undefined) wire.$receipt = receipt
  if (receiptSig !== undefined) wire.$receiptSig = receiptSig
  if (revenue !== undefined) wire.$revenue = revenue
  if (currency !== undefined) wire.$currency = currency
  return wire
}

const fieldNames: ReadonlySet<string> = new Set(Object.keys(Revenue.fields))

const isText = (value: unknown): boolean => value === undefined || typeof value === "string"

/** Reads each field once, so that the checked value is the one that is sent. */
const readFields = (input: unknown, path: string): Either.Either<object, ValidationIssue> => {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    return Either.left({ path, expected: "an object", actual: kindOf(input) })
  }
  const fields: Record<string, unknown> = { ...input }
  return fields.properties === undefined
    ? Either.right(fields)
    : Either.map(
      copyProperties(fields.properties, join(path, "properties")),
      (properties) => ({ ...fields, properties })
    )
}

// called here and not at import, since making the parser of a schema is slow
const decode = (input: unknown): Either.Either<Revenue, ParseResult.ParseIssue> =>
  ParseResult.decodeUnknownEither(Revenue, { onExcessProperty: "error" })(input)
