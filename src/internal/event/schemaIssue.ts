/**
 * Converts the issue of a schema into a `ValidationIssue`. The messages of Schema quote the value. A validation issue
 * has only the description of the schema and the kind of the value.
 */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type * as ParseResult from "effect/ParseResult"
import * as AST from "effect/SchemaAST"
import { copyProperties, Properties } from "./properties.js"
import type { ValidationIssue } from "./validationIssue.js"
import { guarded, join, kindOf } from "./validationIssue.js"

/**
 * The first issue of a value. `path` is the path of the value, empty for the root. The path of the issue is the one
 * that `ParseResult.ArrayFormatter` gives.
 */
export const validationIssueOf = (issue: ParseResult.ParseIssue, path: string): ValidationIssue => {
  switch (issue._tag) {
    case "Type":
    case "Forbidden":
      return wrong(path, issue.ast, issue.actual)
    case "Missing":
      return wrong(path, issue.ast.type, undefined)
    case "Unexpected":
      return { path, expected: "no such field", actual: kindOf(issue.actual) }
    case "Pointer":
      return validationIssueOf(issue.issue, join(path, issue.path))
    case "Refinement":
      return outermost(issue, issue.issue, path)
    case "Transformation":
      // a transformation describes one of its sides, and the issue can be on either
      return validationIssueOf(issue.issue, path)
    case "Composite":
      return AST.isTypeLiteral(issue.ast)
        ? issueOfField(issue.ast, firstOf(issue.issues), path)
        : AST.isUnion(issue.ast)
        ? issueOfUnion(issue.ast, issue, path)
        : outermost(issue, firstOf(issue.issues), path)
  }
}

const listOf = <A>(items: ParseResult.SingleOrNonEmpty<A>): ReadonlyArray<A> =>
  Array.isArray(items) ? items as ReadonlyArray<A> : [items as A]

const wrong = (path: string, ast: AST.AST, actual: unknown): ValidationIssue =>
  ast === Properties.ast ? issueOfProperties(actual, path) : { path, expected: describe(ast), actual: kindOf(actual) }

/** Finds the place of an issue in properties by a walk, since the issue of their schema has no path. */
const issueOfProperties = (actual: unknown, path: string): ValidationIssue =>
  Either.match(guarded(path, () => copyProperties(actual, path)), {
    onLeft: (found) => found,
    onRight: () => ({ path, expected: "values that can be read", actual: "values that change while they are read" })
  })

/**
 * The description of the expected value. An issue of the whole value uses the description of the outermost schema, such
 * as "an integer above 0". An issue of a part of the value uses the description of that part.
 */
const outermost = (
  issue: ParseResult.Refinement | ParseResult.Composite,
  inner: ParseResult.ParseIssue,
  path: string
): ValidationIssue => {
  const found = validationIssueOf(inner, path)
  return found.path === path
    ? { ...found, expected: Option.getOrElse(wordsOf(issue.ast), () => found.expected) }
    : found
}

/** Lists the known names, which helps with a misspelt one. */
const issueOfField = (ast: AST.TypeLiteral, issue: ParseResult.ParseIssue, path: string): ValidationIssue =>
  issue._tag === "Pointer" && issue.issue._tag === "Unexpected" && ast.propertySignatures.length > 0
    ? {
      path: join(path, issue.path),
      expected: `one of ${ast.propertySignatures.map(({ name }) => String(name)).join(", ")}`,
      actual: "an unknown field"
    }
    : validationIssueOf(issue, path)

/** The issue of a union. If exactly one member has an issue inside the value, the issue is the one of that member. */
const issueOfUnion = (ast: AST.Union, issue: ParseResult.Composite, path: string): ValidationIssue => {
  const issues = listOf(issue.issues)
    .filter((member) => !(member._tag === "Type" && AST.isUndefinedKeyword(member.ast)))
    .map((member) => validationIssueOf(member, path))
  const deeper = issues.filter((found) => found.path !== path)
  const meant = deeper.length === 1 ? deeper[0] : issues.length === 1 ? issues[0] : undefined
  return meant ?? wrong(path, ast, issue.actual)
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
