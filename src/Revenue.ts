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
 * Wherever one is expected the plain object that makes one will do: `Amplitude.revenue({ price: 3.99, quantity: 3 })`.
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
   * The `event_properties` of the event. It neither checks nor throws: `validate` is the check, of what was given here.
   *
   * @internal
   */
  static toEventProperties(self: Revenue | Revenue.Input): Properties {
    return Either.getOrElse(Either.try(() => eventProperties(self, assign({}, self.properties))), () => unreadable)
  }

  /**
   * The `event_properties` of a revenue that is right as it stands. Nothing where this cannot tell: then `validate` does.
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
   * The check at the time of tracking: what it gives shares nothing with what was given. `path` is where the value
   * stands, empty for the root.
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
   * The plain object that makes a `Revenue`.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Input {
    /** Of one piece; negative is a refund. */
    readonly price: number
    /** An integer above 0; 1 unless given. */
    readonly quantity?: number | undefined
    /** What was sold, as the product knows it: `sku-1`. */
    readonly productId?: string | undefined
    /** What kind of revenue it is: `purchase`, `refund`, `subscription`. */
    readonly revenueType?: string | undefined
    /** What the app store gave for the purchase, for Amplitude to verify it. */
    readonly receipt?: string | undefined
    /** The signature of the receipt, which Google Play asks for. */
    readonly receiptSig?: string | undefined
    /** The total; the service prefers `price` times `quantity`. */
    readonly revenue?: number | undefined
    /** As ISO 4217 writes it: `EUR`. */
    readonly currency?: string | undefined
    /** Sent beside the fields above. */
    readonly properties?: Properties | undefined
  }
}

/** In the place of a value that throws when it is read: no JSON, and so refused when it is tracked. */
const unreadable: Properties = Object.freeze({ "(a revenue that cannot be read)": Symbol("unreadable") })

/** Puts the fields among the properties: they win over properties of the same names. */
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

/** Reads each field once, so that what is checked is what is sent. */
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

// asked of the schema when there is something to decode, and not when this is imported: that is what makes its parser
const decode = (input: unknown): Either.Either<Revenue, ParseResult.ParseIssue> =>
  ParseResult.decodeUnknownEither(Revenue, { onExcessProperty: "error" })(input)
