/** What the service remembers from one upload to the next, by API key. */
import * as Arr from "effect/Array"
import { getOrPut } from "./boundedMap.js"
import type { First } from "./deduplication.js"
import type { IdField } from "./eventFaults.js"
import { RecentMap } from "./recentMap.js"
import type { Sender } from "./traffic.js"

/** What an upload is held against. */
export interface State {
  /** The first event with the `insert_id`s and device of a key. */
  readonly firstOf: (key: string) => First | undefined
  /** What a user or device has sent to an endpoint: the one at `path`, the value of `field`. */
  readonly sender: (path: string, field: IdField, id: string) => Sender | undefined
}

/** What is to be remembered of an upload. */
export interface Remembered {
  readonly firsts: Iterable<readonly [key: string, first: First]>
  readonly senders: ReadonlyArray<Sender>
}

/** The state of a service that has seen nothing. */
export const initial: State = { firstOf: () => undefined, sender: () => undefined }

/** Nothing to remember. */
export const nothing: Remembered = { firsts: [], senders: [] }

/** How many `insert_id`s and how many users and devices are known of one API key, at least. */
const maxFirsts = 50_000
const maxSenders = 20_000

/** What is remembered of one API key. */
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
