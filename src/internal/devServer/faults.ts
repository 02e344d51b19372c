/** The armed faults, and the returns of the events that they refused. */
import * as Arr from "effect/Array"
import * as Predicate from "effect/Predicate"
import { put } from "./boundedMap.js"
import type { JsonObject } from "./jsonObject.js"
import type * as Model from "./model.js"

type Fault = typeof Model.Fault.Type

/** An armed fault. */
export interface Armed {
  readonly id: string
  readonly apiKey: string | undefined
  readonly fault: Fault
  readonly since: number
  fired: number
  isArmed: boolean
}

interface Injected extends Omit<typeof Model.Delivery.Type, "returns"> {
  readonly apiKey: string
  readonly returns: Array<{ readonly at: number; readonly event: string }>
}

/** The parts of an upload that faults read. */
export interface Incoming {
  readonly apiKey: string
  readonly events: ReadonlyArray<unknown>
  readonly now: number
}

const maxFaults = 100
const maxInjected = 10_000
const maxReturns = 100

/** The faults of all projects. */
export class Faults {
  readonly #armed: Array<Armed> = []
  readonly #injected = new Map<string, Injected>()
  #changes = 0

  /** The number of changes so far. */
  get changes(): number {
    return this.#changes
  }

  arm(fault: Fault, apiKey: string | undefined, now: number): void {
    this.#changes++
    this.#armed.push({ id: `fault-${this.#changes}`, apiKey, fault, since: now, fired: 0, isArmed: true })
    this.#armed.splice(0, Math.max(0, this.#armed.length - maxFaults))
  }

  /** Switches off the faults of one API key, or all faults. */
  disarm(apiKey: string | undefined): void {
    this.#changes++
    this.#armed.filter((armed) => apiKey === undefined || armed.apiKey === apiKey).forEach((armed) => {
      armed.isArmed = false
    })
  }

  /** The fault that answers an upload, if any. `chance` is a random number from 0 to 1. */
  fire({ apiKey, events, now }: Incoming, chance: number): Armed | undefined {
    const isOf = (user: string): boolean =>
      events.some((event) => Predicate.isRecord(event) && (event.user_id === user || event.device_id === user))
    const found = this.#armed.find((armed) => {
      const { share, user } = armed.fault
      return isArmed(armed, now) && (armed.apiKey === undefined || armed.apiKey === apiKey) &&
        (user === undefined || isOf(user)) && (share === undefined || chance < share)
    })
    if (found !== undefined) {
      found.fired++
      this.#changes++
    }
    return found
  }

  /** Records an event that a fault refused, or its return. */
  follow(
    apiKey: string,
    { device_id, insert_id, user_id }: JsonObject,
    id: string,
    at: number,
    isInjected: boolean
  ): void {
    if (!Predicate.isString(insert_id) || (!isInjected && this.#injected.size === 0)) {
      return
    }
    const key = JSON.stringify([apiKey, [device_id, user_id].find(Predicate.isString), insert_id])
    const known = this.#injected.get(key)
    if (known === undefined && isInjected) {
      put(this.#injected, key, { apiKey, insertId: insert_id, event: id, refusedAt: at, returns: [] }, maxInjected)
    } else if (known !== undefined && known.returns.length < maxReturns) {
      known.returns.push({ at, event: id })
      this.#changes++
    }
  }

  /** The faults for one API key, or all faults. */
  list(apiKey: string | undefined, now: number): typeof Model.FaultList.Type {
    return {
      faults: this.#armed
        .filter((armed) => apiKey === undefined || armed.apiKey === undefined || armed.apiKey === apiKey)
        .map((armed) => ({ ...armed.fault, id: armed.id, fired: armed.fired, armed: isArmed(armed, now) })),
      deliveries: Arr.fromIterable(this.#injected.values())
        .filter((injected) => apiKey === undefined || injected.apiKey === apiKey)
        .map(({ event, insertId, refusedAt, returns }) => ({ event, insertId, refusedAt, returns: [...returns] }))
    }
  }

  /** Forgets the faults and events of one API key, or of all. */
  clear(apiKey: string | undefined): void {
    this.#changes++
    this.#armed.splice(
      0,
      this.#armed.length,
      ...(apiKey === undefined ? [] : this.#armed.filter((armed) => armed.apiKey !== apiKey))
    )
    this.#injected.forEach((injected, key) => {
      if (apiKey === undefined || injected.apiKey === apiKey) {
        this.#injected.delete(key)
      }
    })
  }
}

const isArmed = ({ fault: { forMs, times }, fired, isArmed, since }: Armed, now: number): boolean =>
  isArmed && (times === undefined || fired < times) && (forMs === undefined || now < since + forMs)
