/**
 * A sale or, with a negative price, a refund.
 *
 * @since 0.1.0
 */
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type { Fault } from "./internal/event/properties.js"
import { copyProperties, guarded, kindOf, Properties } from "./internal/event/properties.js"
import { faultOf, join } from "./internal/event/validationIssue.js"

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
    return Either.getOrElse(Either.try(() => eventProperties(self)), () => unreadable)
  }

  /**
   * The check at the time of tracking: what it gives shares nothing with what was given. `path` is where the value
   * stands, empty for the root.
   *
   * @internal
   */
  static validate(input: unknown, path: string = ""): Either.Either<Revenue, Fault> {
    return Either.flatMap(
      guarded(path, () => readFields(input, path)),
      (fields) => Either.mapLeft(decode(fields), (issue) => faultOf(issue, path))
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
    readonly productId?: string | undefined
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

/** What stands in for a value that throws when it is read: a value that is no JSON, which is refused when tracked. */
const unreadable: Properties = Object.freeze({ "(a revenue that cannot be read)": Symbol("unreadable") })

const eventProperties = (self: Revenue | Revenue.Input): Properties => {
  const { currency, price, productId, properties, quantity, receipt, receiptSig, revenue, revenueType } = self
  return {
    ...properties,
    $price: price,
    $quantity: quantity === undefined ? 1 : quantity,
    ...(productId === undefined ? undefined : { $productId: productId }),
    ...(revenueType === undefined ? undefined : { $revenueType: revenueType }),
    ...(receipt === undefined ? undefined : { $receipt: receipt }),
    ...(receiptSig === undefined ? undefined : { $receiptSig: receiptSig }),
    ...(revenue === undefined ? undefined : { $revenue: revenue }),
    ...(currency === undefined ? undefined : { $currency: currency })
  }
}

/** Reads each field once, so that what is checked is what is sent. */
const readFields = (input: unknown, path: string): Either.Either<object, Fault> => {
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
