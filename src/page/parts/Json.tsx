/** Shows a JSON value, one member a line, with the lines of given paths marked. */
import { useSignal } from "@preact/signals"
import type { JSX } from "preact"
import { plural } from "../format.js"

interface Line {
  readonly path: string
  readonly depth: number
  readonly name: string | undefined
  readonly kind: "punctuation" | "string" | "number" | "word"
  readonly text: string
  readonly comma: boolean
}

/** The path of a member in the form of the server. */
export const member = (path: string, key: string | number): string =>
  typeof key === "number" ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`

const scalarKind = (value: unknown): Line["kind"] =>
  typeof value === "string" ? "string" : typeof value === "number" ? "number" : "word"

/** The lines of a value. It uses no recursion, since a deep value could exceed the call stack. */
const linesOf = (root: unknown): ReadonlyArray<Line> => {
  const lines: Array<Line> = []
  const stack: Array<Line | { readonly value: unknown; readonly line: Omit<Line, "kind" | "text"> }> = [
    { value: root, line: { path: "", depth: 0, name: undefined, comma: false } }
  ]
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    if (!("value" in next)) {
      lines.push(next)
      continue
    }
    const { line, value } = next
    if (typeof value !== "object" || value === null) {
      lines.push({ ...line, kind: scalarKind(value), text: JSON.stringify(value) })
      continue
    }
    const isArray = Array.isArray(value)
    const entries: ReadonlyArray<readonly [string | number, unknown]> = isArray ?
      value.map((element, index) => [index, element] as const) :
      Object.entries(value)
    const [open, close] = isArray ? ["[", "]"] : ["{", "}"]
    if (entries.length === 0) {
      lines.push({ ...line, kind: "punctuation", text: `${open}${close}` })
      continue
    }
    lines.push({ ...line, kind: "punctuation", text: open, comma: false })
    stack.push({ ...line, path: "", name: undefined, kind: "punctuation", text: close })
    for (let index = entries.length - 1; index >= 0; index--) {
      const [key, inner] = entries[index]!
      stack.push({
        value: inner,
        line: {
          path: member(line.path, key),
          depth: line.depth + 1,
          name: typeof key === "string" ? key : undefined,
          comma: index < entries.length - 1
        }
      })
    }
  }
  return lines
}

const firstLines = 400

export interface Mark {
  readonly path: string
  readonly note: string
  readonly kind: "fault" | "altered"
}

export const Json = (
  { label, marks = [], value }: {
    readonly value: unknown
    readonly label: string
    readonly marks?: ReadonlyArray<Mark>
  }
): JSX.Element => {
  const all = useSignal(false)
  const lines = linesOf(value)
  const notes = new Map<string, Mark>()
  for (const mark of marks) {
    const before = notes.get(mark.path)
    notes.set(mark.path, before === undefined ? mark : { ...before, note: `${before.note}; ${mark.note}` })
  }
  const paths = new Set(lines.map(({ path }) => path))
  const absent = [...notes.values()].filter(({ path }) => path !== "" && !paths.has(path))
  const shown = all.value ? lines : lines.slice(0, firstLines)
  return (
    <div class="json code" role="group" aria-label={label}>
      {absent.map((mark) => (
        <div key={mark.path} class={`line marked ${mark.kind}`}>
          <span class="name">{mark.path}</span>
          <span class="note">{mark.note}</span>
        </div>
      ))}
      {shown.map((line, index) => {
        const mark = line.path === "" ? undefined : notes.get(line.path)
        return (
          <div
            key={index}
            class={mark === undefined ? "line" : `line marked ${mark.kind}`}
            style={{ paddingLeft: `${16 + Math.min(line.depth, 24) * 16}px` }}
          >
            {line.name === undefined ? null : (
              <>
                <span class="name">{JSON.stringify(line.name)}</span>
                {": "}
              </>
            )}
            <span class={line.kind}>{line.text}</span>
            {line.comma ? "," : ""}
            {mark === undefined ? null : <span class="note">{mark.note}</span>}
          </div>
        )
      })}
      {shown.length === lines.length ? null : (
        <button type="button" class="button" onClick={() => all.value = true}>
          Show {plural(lines.length - shown.length, "more line")}
        </button>
      )}
    </div>
  )
}
