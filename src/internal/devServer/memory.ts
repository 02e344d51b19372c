/** The state of the ingestion service between uploads, for each API key. */
import * as Arr from "effect/Array"
import { getOrPut } from "./boundedMap.js"
import type { First } from "./deduplication.js"
import type { IdField } from "./eventFaults.js"
import { RecentMap } from "./recentMap.js"
import type { Sender } from "./traffic.js"

/** The state that an upload is checked against. */
export interface State {
  /** The first event with the `insert_id` and the device of a key. */
  readonly firstOf: (key: string) => First | undefined
  /** What a user or device (`field`) with this id has sent to the endpoint at `path`. */
  readonly sender: (path: string, field: IdField, id: string) => Sender | undefined
}

/** The changes of the state by an upload. */
export interface Remembered {
  readonly firsts: Iterable<readonly [key: string, first: First]>
  readonly senders: ReadonlyArray<Sender>
}

/** The state before the first upload. */
export const initial: State = { firstOf: () => undefined, sender: () => undefined }

/** No change of the state. */
export const nothing: Remembered = { firsts: [], senders: [] }

/** The number of `insert_id`s, and of users or devices of an endpoint, that are remembered at least for an API key. */
const maxFirsts = 50_000
const maxSenders = 20_000

/** The state of one API key. */
export class Memory implements State {
  readonly #firsts = new RecentMap<First>(maxFirsts)
  readonly #senders = new Map<string, RecentMap<Sender>>()

  readonly firstOf = (key: string): First | undefined => this.#firsts.get(key)

  readonly sender = (path: string, field: IdField, id: string): Sender | undefined =>
    this.#senders.get(`${path} ${field}`)?.get(id)

  /** All users and devices, for each endpoint. */
  get senders(): ReadonlyArray<Sender> {
    return Arr.fromIterable(this.#senders.values()).flatMap((senders) => Arr.fromIterable(senders.values()))
  }

  remember({ firsts, senders }: Remembered): void {
    for (const [key, first] of firsts) {
      this.#firsts.set(key, first)
    }
    for (const sender of senders) {
      getOrPut(
        this.#senders,
        `${sender.path} ${sender.field}`,
        () => new RecentMap<Sender>(maxSenders),
        Number.POSITIVE_INFINITY
      ).set(sender.id, sender)
    }
  }
}
