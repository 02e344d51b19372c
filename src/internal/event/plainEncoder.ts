/**
 * A fast encoder for plain schemas: strings, numbers, booleans, literals, structs, records, arrays, and unions and
 * filters of these. It gives the same result as Schema. For a value that it does not accept, Schema decides.
 */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as AST from "effect/SchemaAST"
import { isPlain, Properties } from "./properties.js"

/** The encoded value, or `undecided`. */
export type Encode = (value: unknown) => unknown

/** The result for a value that Schema has to encode. */
export const undecided: unique symbol = Symbol.for("effect-amplitude/internal/undecided")

/** The options of both encoders, so that they refuse the same, and write members in the order in which they were given. */
export const options: AST.ParseOptions = { onExcessProperty: "error", propertyOrder: "original" }

/** The encoder of a schema, which is compiled when it is first used. */
export const make = (schema: Schema.Schema.AnyNoContext): Encode => {
  let encode: Encode | undefined
  return (value) => (encode ??= encoderOf(schema.ast))(value)
}

const encoderOf = (ast: AST.AST): Encode => compile(ast) ?? bySchema(ast)

const bySchema = (ast: AST.AST): Encode => {
  const encode = ParseResult.encodeUnknownEither(Schema.make<any, any>(ast), options)
  return (value) => Either.getOrElse(encode(value), () => undecided)
}

/** Compiles a schema. The result is undefined if the schema is not plain. */
const compile = (ast: AST.AST): Encode | undefined => {
  switch (ast._tag) {
    case "StringKeyword":
      return accept((value) => typeof value === "string")
    case "NumberKeyword":
      return accept((value) => typeof value === "number")
    case "BooleanKeyword":
      return accept((value) => typeof value === "boolean")
    case "UndefinedKeyword":
      return accept((value) => value === undefined)
    case "UnknownKeyword":
    case "AnyKeyword":
      return (value) => value
    case "Literal":
      return accept((value) => value === ast.literal)
    case "Enums":
      return accept((value) => ast.enums.some(([, member]) => value === member))
    case "Declaration":
      // properties are checked when the event is tracked
      return ast === Properties.ast ? accept((value) => typeof value === "object" && value !== null) : undefined
    case "Refinement":
      return AST.isTypeLiteral(ast.from) ? undefined : compileFilter(ast)
    case "Union":
      return compileUnion(ast)
    case "TupleType":
      return ast.elements.length === 0 && ast.rest.length === 1 ? compileArray(ast.rest[0]!.type) : undefined
    case "TypeLiteral":
      return ast.indexSignatures.length === 0 ? compileStruct(ast) : compileRecord(ast)
    default:
      return undefined
  }
}

const accept = (is: (value: unknown) => boolean): Encode => (value) => is(value) ? value : undecided

const compileFilter = (ast: AST.Refinement): Encode | undefined => {
  const from = compile(ast.from)
  return from === undefined ? undefined : (value) => {
    const encoded = from(value)
    return encoded === undecided || Option.isSome(ast.filter(value, options, ast)) ? undecided : encoded
  }
}

/**
 * Whether a union is plain. Two members that are both objects, or both arrays, can accept the same value: Schema
 * decides.
 */
const compileUnion = (ast: AST.Union): Encode | undefined => {
  const isPlain = (["object", "array"] as const).every((kind) =>
    ast.types.filter((t) => kindOf(t) === kind).length <= 1
  )
  const members = ast.types.flatMap((type) => kindOf(type) === undefined ? [] : compile(type) ?? [])
  if (!isPlain || members.length < ast.types.length) return undefined
  return (value) => {
    for (const encode of members) {
      const encoded = encode(value)
      if (encoded !== undecided) return encoded
    }
    return undecided
  }
}

/** The kinds of values that a member of a union accepts. Undefined if they can be of any kind. */
const kindOf = (ast: AST.AST): "scalar" | "array" | "object" | undefined => {
  switch (ast._tag) {
    case "Refinement":
      return kindOf(ast.from)
    case "TupleType":
      return "array"
    case "TypeLiteral":
      return "object"
    case "StringKeyword":
    case "NumberKeyword":
    case "BooleanKeyword":
    case "UndefinedKeyword":
    case "Literal":
    case "Enums":
      return "scalar"
    default:
      return undefined
  }
}

const compileArray = (item: AST.AST): Encode => {
  const encode = encoderOf(item)
  return (value) => {
    if (!Array.isArray(value)) return undecided
    const output: Array<unknown> = []
    for (let index = 0; index < value.length; index++) {
      const encoded = encode(value[index])
      if (encoded === undecided) return undecided
      output.push(encoded)
    }
    return output
  }
}

interface PlainField {
  readonly name: string
  readonly encode: Encode
  readonly isOptional: boolean
}

const compileStruct = ({ propertySignatures }: AST.TypeLiteral): Encode | undefined => {
  // a Schema struct without fields accepts any value
  if (propertySignatures.length === 0 || propertySignatures.some(({ name }) => !isOrdinary(name))) return undefined
  const fields = propertySignatures.map(
    ({ isOptional, name, type }): PlainField => ({ name: String(name), encode: encoderOf(type), isOptional })
  )
  return (value) => {
    if (!isDictionary(value)) return undecided
    // a spread keeps the shape of the value, and reads each member once
    const output: Record<string, unknown> = { ...value }
    // Schema reads members that are not enumerable as well
    let left = Object.getOwnPropertyNames(value).length
    for (const { encode, isOptional, name } of fields) {
      if (!hasOwn.call(output, name)) {
        if (isOptional) continue
        return undecided
      }
      const given = output[name]
      const encoded = encode(given)
      if (encoded === undecided) return undecided
      if (encoded !== given) output[name] = encoded
      left--
    }
    return left === 0 ? output : undecided
  }
}

const compileRecord = (
  { indexSignatures: [index, ...more], propertySignatures }: AST.TypeLiteral
): Encode | undefined => {
  if (more.length > 0 || propertySignatures.length > 0 || !AST.isStringKeyword(index!.parameter)) return undefined
  const encode = encoderOf(index!.type)
  return (value) => {
    if (!isDictionary(value)) return undecided
    const output: Record<string, unknown> = {}
    let left = Object.getOwnPropertyNames(value).length
    for (const name in value) {
      if (!hasOwn.call(value, name)) continue
      const encoded = isOrdinary(name) ? encode(value[name]) : undecided
      if (encoded === undecided) return undecided
      output[name] = encoded
      left--
    }
    return left === 0 ? output : undecided
  }
}

const hasOwn = Object.prototype.hasOwnProperty

/** Whether an assignment can set a member with this name, which is not true of `__proto__`. */
const isOrdinary = (name: PropertyKey): boolean => typeof name === "string" && name !== "__proto__"

const isDictionary = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && isPlain(value) &&
  Object.getOwnPropertySymbols(value).length === 0
