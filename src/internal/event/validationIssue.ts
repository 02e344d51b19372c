/**
 * From what a schema says of a wrong value to a `Fault`: where it is, what was expected there and the kind of thing
 * found. Schema's own messages quote the value, and a value can be a secret: a fault is made of the schema's words
 * and the kind of the value alone.
 */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type * as ParseResult from "effect/ParseResult"
import * as AST from "effect/SchemaAST"
import type { Fault } from "./properties.js"
import { copyProperties, guarded, kindOf, Properties } from "./properties.js"

/**
 * The first fault of an issue whose schema stands at `path` (empty for the root): the path is the one that
 * `ParseResult.ArrayFormatter` gives.
 */
export const faultOf = (issue: ParseResult.ParseIssue, path: string): Fault => {
  switch (issue._tag) {
    case "Type":
    case "Forbidden":
      return fault(path, issue.ast, issue.actual)
    case "Missing":
      return fault(path, issue.ast.type, undefined)
    case "Unexpected":
      return { path, expected: "no such field", actual: kind(issue.actual) }
    case "Pointer":
      return faultOf(issue.issue, join(path, issue.path))
    case "Refinement":
      return outermost(issue, issue.issue, path)
    case "Transformation":
      // its own words are of one side, the fault can be on either
      return faultOf(issue.issue, path)
    case "Composite":
      return AST.isTypeLiteral(issue.ast)
        ? faultOfField(issue.ast, firstOf(issue.issues), path)
        : AST.isUnion(issue.ast)
        ? faultOfUnion(issue.ast, issue, path)
        : outermost(issue, firstOf(issue.issues), path)
  }
}

/** The text of a path: `.name` or `["a name"]` for a field, `[0]` for an element. */
export const join = (path: string, keys: ParseResult.Path): string =>
  listOf(keys).reduce<string>((joined, key) => {
    if (typeof key === "number") return `${joined}[${key}]`
    const name = String(key)
    if (!/^[A-Za-z_$][\w$]*$/.test(name)) return `${joined}[${JSON.stringify(name)}]`
    return joined === "" ? name : `${joined}.${name}`
  }, path)

const listOf = <A>(items: ParseResult.SingleOrNonEmpty<A>): ReadonlyArray<A> =>
  Array.isArray(items) ? items as ReadonlyArray<A> : [items as A]

const fault = (path: string, ast: AST.AST, actual: unknown): Fault =>
  ast === Properties.ast ? faultOfProperties(actual, path) : { path, expected: describe(ast), actual: kind(actual) }

/** A revoked proxy cannot even be asked whether it is an array. */
const kind = (value: unknown): string => Either.getOrElse(Either.try(() => kindOf(value)), () => "an object")

/** The schema of properties says no more than that they are wrong: the walk that found it is asked again. */
const faultOfProperties = (actual: unknown, path: string): Fault =>
  Either.match(guarded(path, () => copyProperties(actual, path)), {
    onLeft: (found) => found,
    onRight: () => ({ path, expected: "values that can be read", actual: "values that change while they are read" })
  })

/**
 * "an integer above 0" also says that a string is wrong: what is wrong at this very place is told in the words of the
 * outermost schema there that has any, and what is wrong further inside is told by itself.
 */
const outermost = (
  issue: ParseResult.Refinement | ParseResult.Composite,
  inner: ParseResult.ParseIssue,
  path: string
): Fault => {
  const found = faultOf(inner, path)
  return found.path === path
    ? { ...found, expected: Option.getOrElse(wordsOf(issue.ast), () => found.expected) }
    : found
}

/** A name that is unknown is most often misspelt: the known ones help. */
const faultOfField = (ast: AST.TypeLiteral, issue: ParseResult.ParseIssue, path: string): Fault =>
  issue._tag === "Pointer" && issue.issue._tag === "Unexpected" && ast.propertySignatures.length > 0
    ? {
      path: join(path, issue.path),
      expected: `one of ${ast.propertySignatures.map(({ name }) => String(name)).join(", ")}`,
      actual: "an unknown field"
    }
    : faultOf(issue, path)

/** Of several members the one that got further than the others is what was meant; else all of them are named. */
const faultOfUnion = (ast: AST.Union, issue: ParseResult.Composite, path: string): Fault => {
  const faults = listOf(issue.issues)
    .filter((member) => !(member._tag === "Type" && AST.isUndefinedKeyword(member.ast)))
    .map((member) => faultOf(member, path))
  const deeper = faults.filter((found) => found.path !== path)
  const meant = deeper.length === 1 ? deeper[0] : faults.length === 1 ? faults[0] : undefined
  return meant ?? fault(path, ast, issue.actual)
}

const firstOf = <A>(items: ParseResult.SingleOrNonEmpty<A>): A =>
  Array.isArray(items) ? (items as unknown as readonly [A])[0] : items as A

const wordsOf = (ast: AST.AST): Option.Option<string> => AST.getDescriptionAnnotation(ast)

const describe = (ast: AST.AST): string => Option.getOrElse(wordsOf(ast), () => describeByTag(ast))

const describeByTag = (ast: AST.AST): string => {
  switch (ast._tag) {
    case "Literal":
      return typeof ast.literal === "string" ? JSON.stringify(ast.literal) : String(ast.literal)
    case "Enums":
      return `one of ${ast.enums.map(([, value]) => JSON.stringify(value)).join(", ")}`
    case "TypeLiteral":
      return "an object"
    case "TupleType":
      return ast.elements.length === 0 && ast.rest[0] !== undefined
        ? `an array of which each is ${describe(ast.rest[0].type)}`
        : "an array"
    case "Union":
      return [...new Set(ast.types.filter((type) => !AST.isUndefinedKeyword(type)).map(describe))].join(" or ")
    case "Refinement":
      return describe(ast.from)
    case "Transformation":
      return describe(ast.from)
    case "Suspend":
      return describe(ast.f())
    default:
      return Option.getOrElse(
        Option.orElse(AST.getIdentifierAnnotation(ast), () => AST.getTitleAnnotation(ast)),
        () => "another kind of value"
      )
  }
}
