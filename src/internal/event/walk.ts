/**
 * The state of one pass over an event or a properties object. Each value is read once, and checked and written at once,
 * so that the checked value is the one that is sent. The limits of size and count are checked on the way.
 */
import { JsonWriter } from "./jsonWriter.js"
import type { ValidationIssue } from "./validationIssue.js"
import { join, shown, unreadable } from "./validationIssue.js"

/** The result for a value. An omitted value has no JSON. The issue of a refused value is in the walk. */
export type Written = "written" | "leftOut" | "refused"

/** Checks a value and writes its JSON. Reading the value may throw: the caller catches this and uses `unreadable`. */
export type Write = (walk: Walk, value: unknown, key: string) => Written

/** The most bytes of the largest request, which is that of the Batch API. */
export const largestRequest = 20_000_000

/** A value inside an object or array takes at least a digit and a comma. */
const minBytesPerValue = 2

export class Walk {
  readonly writer = new JsonWriter()
  issue: ValidationIssue | undefined = undefined
  /** How many types and names of groups were written. */
  groupTypes = 0
  groupNames = 0
  /** The key at each depth. The fields of an event are at depth 0. */
  private readonly keys: Array<string | number> = []
  private depth = -1
  private values = 0
  private maxBytes = largestRequest

  /** Begins a walk over another event. */
  clear(): void {
    this.writer.rewind(0)
    this.groupTypes =
      this.groupNames =
      this.values =
        0
    this.depth = -1
    this.issue = undefined
    this.maxBytes = largestRequest
  }

  /** The most bytes. A larger event is refused. */
  limit(maxBytes: number): void {
    this.maxBytes = maxBytes
  }

  /** Enters the value of a key. The result is false if the written JSON is already too large. */
  enter(depth: number, key: string | number): boolean {
    this.keys[depth] = key
    this.depth = depth
    return (++this.values * minBytesPerValue <= this.maxBytes && this.writer.size <= this.maxBytes) || this.refuseSize()
  }

  /** Whether a string fits. It takes at least one byte for each UTF-16 unit. */
  fits(text: string): boolean {
    return this.writer.size + text.length <= this.maxBytes || this.refuseSize()
  }

  /** Whether `count` more values fit. A proxy can have any `length`. */
  fitValues(count: number): boolean {
    if ((this.values + count) * minBytesPerValue <= this.maxBytes) return true
    this.refuse(`at most ${this.maxBytes / minBytesPerValue} values`, "more")
    return false
  }

  private refuseSize(): false {
    if (this.fitValues(0)) {
      this.issue = { path: "event", expected: `at most ${this.maxBytes} bytes of JSON`, actual: "more" }
    }
    return false
  }

  /** Refuses the value at the key of a depth. Default: the depth of the last key. */
  refuse(expected: string, actual: string, depth: number = this.depth): "refused" {
    this.issue = { path: this.path(depth), expected, actual }
    return "refused"
  }

  /** The issue of a value that threw when it was read. */
  unreadable(): ValidationIssue {
    return { ...unreadable, path: this.path(this.depth) }
  }

  private path(depth: number): string {
    const [field, ...keys] = this.keys.slice(0, depth + 1)
    if (field === undefined) return "event"
    return keys.length === 0 ? shown(String(field)) : join(shown(String(field)), keys)
  }
}
