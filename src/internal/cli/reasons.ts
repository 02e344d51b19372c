/** The reasons of refused events, in words for the command line. */
import type { InvalidEvent } from "../../AmplitudeError.js"
import type { Violation } from "./plan/check.js"

export interface Reason {
  /** The path of the fault, or empty for the whole event. */
  readonly path: string
  readonly given: string
  readonly wanted: string
  readonly fix: string
  /** The section of Amplitude's documentation. */
  readonly doc: string
}

export const unreadable = (fault: string): Reason => ({
  path: "",
  given: fault,
  wanted: "an event: one JSON object, or one row of CSV",
  fix: "Correct the line.",
  doc: "Invalid JSON request body"
})

export const ofInvalidEvent = ({ actual, expected, field }: InvalidEvent): Reason => ({
  path: field,
  given: actual,
  wanted: expected,
  fix: actual === "an unknown field" ? `Remove it, or move it into event_properties.` : `Make it ${expected}.`,
  doc: "HTTP V2 API, Keys for the event argument"
})

export const ofService = (reason: string, code: number, message: string): Reason => ({
  path: "",
  given: `an event that the service refused with ${code} (${reason})`,
  wanted: "an event that the service takes",
  fix: message,
  doc: "HTTP V2 API, Status codes"
})

export const ofViolation = ({ actual, expected, path }: Violation): Reason => ({
  path,
  given: actual,
  wanted: expected,
  fix: "Track what the plan says, or change the plan.",
  doc: "Tracking plan"
})

/** A reason on one line. */
export const inWords = ({ given, path, wanted }: Reason): string =>
  path === "" ? given : `${path}: expected ${wanted}, got ${given}`
