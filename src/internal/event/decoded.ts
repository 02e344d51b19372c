/** Encoded events as objects. */
import * as Iterable from "effect/Iterable"
import * as Option from "effect/Option"
import type { Place } from "./jsonWriter.js"
import { textOf } from "./utf8.js"

/** Each event is decoded when it is read. */
export const decoded = (events: ReadonlyArray<Place>): Iterable<unknown> =>
  Iterable.map(events, (event) => Option.getOrUndefined(Option.liftThrowable(JSON.parse)(textOf(event))))
