/**
 * The changes that `Amplitude.identify` and `Amplitude.groupIdentify` make to the properties of a user or a group. An
 * `Identify` is an immutable list of operations. It is made from `Identify.empty` with one combinator for each
 * operation.
 *
 * - If a property is named twice, its first operation is kept.
 * - `clearAll` drops the earlier operations, and later operations are ignored.
 * - No combinator throws or checks its arguments. They are checked when the `Identify` is tracked.
 *
 * @since 0.1.0
 */
import type * as Arbitrary from "effect/Arbitrary"
import * as Either from "effect/Either"
import * as Equal from "effect/Equal"
import { dual } from "effect/Function"
import * as Hash from "effect/Hash"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Pipeable from "effect/Pipeable"
import * as Schema from "effect/Schema"
import type * as Types from "effect/Types"
import { copyProperties, isPlain, Properties } from "./internal/event/properties.js"
import { validationIssueOf } from "./internal/event/schemaIssue.js"
import type { ValidationIssue } from "./internal/event/validationIssue.js"
import { guarded, kindOf } from "./internal/event/validationIssue.js"

/**
 * The operations by the names that Amplitude's API gives them, each with the properties that it changes.
 *
 * @since 0.1.0
 * @category models
 */
export interface Operations {
  readonly $set?: Properties | undefined
  readonly $setOnce?: Properties | undefined
  readonly $add?: { readonly [property: string]: number } | undefined
  readonly $append?: Properties | undefined
  readonly $prepend?: Properties | undefined
  readonly $preInsert?: Properties | undefined
  readonly $postInsert?: Properties | undefined
  readonly $remove?: Properties | undefined
  readonly $unset?: { readonly [property: string]: "-" } | undefined
  readonly $clearAll?: "-" | undefined
}

/**
 * Properties whose values all have one schema. `Schema.Record` would lose a property called `__proto__`, and would
 * throw if a getter throws.
 */
const propertiesOf = <A>(
  member: Schema.Schema<A>,
  jsonSchema: object,
  arbitrary: Arbitrary.LazyArbitrary<A>
): Schema.Schema<{ readonly [property: string]: A }> => {
  const parse = (
    value: unknown,
    _options: unknown,
    ast: ParseResult.Type["ast"]
  ): Either.Either<{ readonly [property: string]: A }, ParseResult.ParseIssue> => {
    const copied = guarded("properties", () => copyProperties(value, "properties"))
    if (Either.isLeft(copied)) return Either.left(new ParseResult.Type(ast, value))
    const isMember = Schema.is(member)
    for (const [property, found] of Object.entries(copied.right)) {
      if (isMember(found)) continue
      return Either.left(new ParseResult.Pointer(property, value, new ParseResult.Type(member.ast, found)))
    }
    return Either.right(value as { readonly [property: string]: A })
  }
  return Schema.declare([], { decode: () => parse, encode: () => parse }, {
    description: "an object",
    jsonSchema: { type: "object", additionalProperties: jsonSchema },
    arbitrary: () => (fc) => fc.dictionary(fc.string(), arbitrary(fc)),
    pretty: () => Inspectable.toStringUnknown
  })
}

const Operations: Schema.Schema<Operations> = Schema.Struct({
  $set: Schema.optional(Properties),
  $setOnce: Schema.optional(Properties),
  $add: Schema.optional(propertiesOf(
    Schema.Finite,
    { type: "number" },
    (fc) => fc.double({ noDefaultInfinity: true, noNaN: true })
  )),
  $append: Schema.optional(Properties),
  $prepend: Schema.optional(Properties),
  $preInsert: Schema.optional(Properties),
  $postInsert: Schema.optional(Properties),
  $remove: Schema.optional(Properties),
  $unset: Schema.optional(propertiesOf(Schema.Literal("-"), { const: "-" }, (fc) => fc.constant("-" as const))),
  $clearAll: Schema.optional(Schema.Literal("-"))
})

/**
 * Operations on the properties of a user or a group. `operations` holds them as they are sent.
 *
 * @since 0.1.0
 * @category models
 */
export class Identify
  extends Pipeable.Class(Schema.Class<Identify>("effect-amplitude/Identify")({ operations: Operations }))
  implements Equal.Equal
{
  /**
   * Two `Identify` are equal if their operations are equal, in any order.
   *
   * @since 0.1.0
   */
  [Equal.symbol](that: unknown): boolean {
    return that instanceof Identify && equals(this.operations, that.operations)
  }

  /**
   * @since 0.1.0
   */
  [Hash.symbol](): number {
    let hash = Hash.string("effect-amplitude/Identify")
    for (const [operation, properties] of Object.entries(this.operations)) {
      for (const property of Object.keys(properties ?? {})) hash ^= Hash.string(`${operation} ${property}`)
    }
    return Hash.optimize(hash)
  }
}

/**
 * Whether a value is an `Identify`.
 *
 * @example
 * ```ts
 * import { Identify } from "effect-amplitude"
 *
 * Identify.isIdentify(Identify.empty) // true
 * ```
 *
 * @since 0.1.0
 * @category guards
 */
export const isIdentify = (u: unknown): u is Identify => u instanceof Identify

/** Skips the constructor of the class, which would check the operations and throw. */
const make = (operations: Operations): Identify => {
  const identify = Object.create(Identify.prototype) as Types.Mutable<Identify>
  identify.operations = Object.freeze(operations)
  return Object.freeze(identify)
}

/**
 * The `Identify` without operations, which every other one is made from. It is invalid to track it without an
 * operation.
 *
 * @example
 * ```ts
 * import { Identify } from "effect-amplitude"
 *
 * const identify = Identify.empty.pipe(
 *   Identify.set("plan", "pro"),
 *   Identify.add("logins", 1)
 * )
 *
 * identify.operations // { $set: { plan: "pro" }, $add: { logins: 1 } }
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const empty: Identify = make({})

const cleared: Identify = make({ $clearAll: "-" })

/**
 * Sets a property.
 *
 * @example
 * ```ts
 * import { Identify } from "effect-amplitude"
 *
 * Identify.empty.pipe(Identify.set("plan", "pro"))
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const set: {
  (property: string, value: unknown): (self: Identify) => Identify
  (self: Identify, property: string, value: unknown): Identify
} = dual(3, (self: Identify, property: string, value: unknown): Identify => change(self, "$set", property, value))

/**
 * Sets a property that has no value yet.
 *
 * @example
 * ```ts
 * import { Identify } from "effect-amplitude"
 *
 * Identify.empty.pipe(Identify.setOnce("first_seen", new Date(0)))
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const setOnce: {
  (property: string, value: unknown): (self: Identify) => Identify
  (self: Identify, property: string, value: unknown): Identify
} = dual(3, (self: Identify, property: string, value: unknown): Identify => change(self, "$setOnce", property, value))

/**
 * Adds to a number. A property without a value counts as 0.
 *
 * @example
 * ```ts
 * import { Identify } from "effect-amplitude"
 *
 * Identify.empty.pipe(Identify.add("logins", 1), Identify.add("credit", -0.5))
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const add: {
  (property: string, value: number): (self: Identify) => Identify
  (self: Identify, property: string, value: number): Identify
} = dual(3, (self: Identify, property: string, value: number): Identify => change(self, "$add", property, value))

/**
 * Adds a value, or each value of an array, to the end of a list.
 *
 * @example
 * ```ts
 * import { Identify } from "effect-amplitude"
 *
 * Identify.empty.pipe(Identify.append("visited", ["home", "pricing"]))
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const append: {
  (property: string, value: unknown): (self: Identify) => Identify
  (self: Identify, property: string, value: unknown): Identify
} = dual(3, (self: Identify, property: string, value: unknown): Identify => change(self, "$append", property, value))

/**
 * Adds a value, or each value of an array, to the beginning of a list.
 *
 * @example
 * ```ts
 * import { Identify } from "effect-amplitude"
 *
 * Identify.empty.pipe(Identify.prepend("visited", "home"))
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const prepend: {
  (property: string, value: unknown): (self: Identify) => Identify
  (self: Identify, property: string, value: unknown): Identify
} = dual(3, (self: Identify, property: string, value: unknown): Identify => change(self, "$prepend", property, value))

/**
 * Adds a value, or each value of an array, to the beginning of a list that does not have it yet.
 *
 * @example
 * ```ts
 * import { Identify } from "effect-amplitude"
 *
 * Identify.empty.pipe(Identify.preInsert("tags", "new"))
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const preInsert: {
  (property: string, value: unknown): (self: Identify) => Identify
  (self: Identify, property: string, value: unknown): Identify
} = dual(3, (self: Identify, property: string, value: unknown): Identify => change(self, "$preInsert", property, value))

/**
 * Adds a value, or each value of an array, to the end of a list that does not have it yet.
 *
 * @example
 * ```ts
 * import { Identify } from "effect-amplitude"
 *
 * Identify.empty.pipe(Identify.postInsert("tags", ["new", "beta"]))
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const postInsert: {
  (property: string, value: unknown): (self: Identify) => Identify
  (self: Identify, property: string, value: unknown): Identify
} = dual(
  3,
  (self: Identify, property: string, value: unknown): Identify => change(self, "$postInsert", property, value)
)

/**
 * Removes a value, or each value of an array, from a list.
 *
 * @example
 * ```ts
 * import { Identify } from "effect-amplitude"
 *
 * Identify.empty.pipe(Identify.remove("tags", ["beta", "trial"]))
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const remove: {
  (property: string, value: unknown): (self: Identify) => Identify
  (self: Identify, property: string, value: unknown): Identify
} = dual(3, (self: Identify, property: string, value: unknown): Identify => change(self, "$remove", property, value))

/**
 * Removes a property with its value.
 *
 * @example
 * ```ts
 * import { Identify } from "effect-amplitude"
 *
 * Identify.empty.pipe(Identify.unset("trial_ends"))
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const unset: {
  (property: string): (self: Identify) => Identify
  (self: Identify, property: string): Identify
} = dual(2, (self: Identify, property: string): Identify => change(self, "$unset", property, "-"))

/**
 * Removes all properties. The operations before it are dropped, and the operations after it are ignored.
 *
 * @example
 * ```ts
 * import { Identify } from "effect-amplitude"
 *
 * Identify.empty.pipe(Identify.clearAll)
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const clearAll: (self: Identify) => Identify = () => cleared

/**
 * Finds the fault of an `Identify` when it is tracked. `path` is the path of the operations in the event. The values of
 * properties are checked when their JSON is written.
 *
 * @internal
 */
export const check = (input: unknown, path: string): ValidationIssue | undefined =>
  isIdentify(input) && isRight(input.operations)
    ? undefined
    : Option.getOrUndefined(Either.getLeft(validate(input, path)))

/** A fast check for plain operations. If it answers false, the schema decides. */
const isRight = (operations: unknown): boolean => {
  if (!isMembers(operations)) return false
  let count = 0
  for (const operation in operations) {
    const members = operations[operation]
    const isValue = valueChecks.get(operation)
    if (isValue === undefined || !isMembers(members)) return false
    for (const name in members) {
      if (!isValue(members[name])) return false
      count++
    }
  }
  return count > 0
}

const isMembers = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && isPlain(value) && !("toJSON" in value)

/** Whether a value has a kind that the JSON writer checks. */
const isWritten = (value: unknown): boolean =>
  value !== undefined && (typeof value !== "object" || value === null || Array.isArray(value) || isMembers(value))

const valueChecks: ReadonlyMap<string, (value: unknown) => boolean> = new Map<string, (value: unknown) => boolean>([
  ...["$set", "$setOnce", "$append", "$prepend", "$preInsert", "$postInsert", "$remove"].map(
    (operation) => [operation, isWritten] as const
  ),
  ["$add", Number.isFinite],
  ["$unset", (value: unknown) => value === "-"]
])

/**
 * Checks an `Identify` when it is tracked. The result holds a deep copy of the operations. `path` is the path of the
 * operations in the event.
 *
 * @internal
 */
export const validate = (input: unknown, path: string): Either.Either<Identify, ValidationIssue> =>
  Either.flatMap(
    guarded(path, () =>
      isIdentify(input)
        ? Either.right(input.operations)
        : Either.left({ path, expected: "an Identify", actual: kindOf(input) })),
    (operations) => Either.map(validateOperations(operations, path), make)
  )

/**
 * Checks the operations of an event that was made from an `Identify` before it was tracked.
 *
 * @internal
 */
export const validateOperations = (operations: unknown, path: string): Either.Either<Operations, ValidationIssue> =>
  Either.flatMap(guarded(path, () => copyProperties(operations, path)), (copy) =>
    Either.flatMap(
      Either.mapLeft(decodeOperations(copy), (issue) => validationIssueOf(issue, path)),
      (checked) =>
        Object.values(checked).some((properties) => Object.keys(properties ?? {}).length > 0)
          ? Either.right(checked)
          : Either.left({ path, expected: "at least one operation", actual: "none" })
    ))

// called here and not at import, since making the parser of a schema is slow
const decodeOperations = (operations: unknown): Either.Either<Operations, ParseResult.ParseIssue> =>
  ParseResult.decodeUnknownEither(Operations, { onExcessProperty: "error" })(operations)

/** Replaces an argument that cannot be kept. A symbol is no JSON, so that the check refuses it. */
const unusable: unique symbol = Symbol.for("effect-amplitude/Identify/unusable")

const change = (
  self: Identify,
  operation: Exclude<keyof Operations, "$clearAll">,
  property: string,
  value: unknown
): Identify =>
  Either.getOrElse(
    Either.try(() =>
      !isIdentify(self)
        ? make({ $set: Object.freeze({ "(not an Identify)": unusable }) })
        : typeof property === "string"
        ? changeProperty(self, operation, property, value)
        : changeProperty(self, operation, `(${typeof property} instead of a name)`, unusable)
    ),
    // an object that only looks like an Identify can throw when its operations are read
    () => make({ $set: Object.freeze({ "(an Identify that cannot be read)": unusable }) })
  )

const changeProperty = (
  self: Identify,
  operation: Exclude<keyof Operations, "$clearAll">,
  property: string,
  value: unknown
): Identify => {
  if (self.operations.$clearAll !== undefined) return self
  if (isNamed(self.operations, property)) {
    ignored.set(self, (ignored.get(self) ?? new Set()).add(property))
    return self
  }
  const changed = Object.freeze(withMember(self.operations[operation], property, value))
  return make(withMember(self.operations, operation, changed))
}

/** A copy with one more member. An assignment is faster than a computed name, but cannot add a member `__proto__`. */
const withMember = (members: object | undefined, name: string, value: unknown): object => {
  if (name === "__proto__") return { ...members, [name]: value }
  const copy: Record<string, unknown> = { ...members }
  copy[name] = value
  return copy
}

const isNamed = (operations: Operations, property: string): boolean => {
  for (const operation in operations) {
    const properties = operations[operation as keyof Operations]
    if (properties !== undefined && Object.hasOwn(properties as object, property)) return true
  }
  return false
}

/** For each `Identify`, the properties that a later operation named again. */
const ignored = new WeakMap<Identify, Set<string>>()

/**
 * The properties whose later operations were ignored.
 *
 * @internal
 */
export const ignoredOf = (identify: Identify): ReadonlyArray<string> => Array.from(ignored.get(identify) ?? [])

/** Structural equality of JSON values. Values that implement `Equal` are compared with it. */
const equals = (left: unknown, right: unknown): boolean => {
  if (Equal.equals(left, right) || Object.is(left, right)) return true
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null) return false
  if (Array.isArray(left) || Array.isArray(right)) {
    return Array.isArray(left) && Array.isArray(right) && left.length === right.length &&
      left.every((value, index) => equals(value, right[index]))
  }
  if (!isRecord(left) || !isRecord(right)) return false
  const keys = Object.keys(left)
  return keys.length === Object.keys(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && equals(left[key], right[key]))
}

const isRecord = (value: object): value is Readonly<Record<string, unknown>> => {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}
