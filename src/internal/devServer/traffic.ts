/** Measures the rates and quotas of users and devices, and refuses uploads over them. */
import * as Arr from "effect/Array"
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import * as Answers from "./answers.js"
import type { Endpoint } from "./endpoints.js"
import type { IdField } from "./eventFaults.js"
import type { JsonObject } from "./jsonObject.js"
import type { Remembered, State } from "./memory.js"

/** The recent traffic of one user or device at one endpoint. */
export interface Sender {
  readonly path: string
  readonly field: IdField
  readonly id: string
  readonly rate: Tally
  readonly quota: Tally
}

/** Pairs of numbers, oldest first: the number of a slot of time, then the number of its events. */
export type Tally = ReadonlyArray<number>

interface TimeWindow {
  readonly slots: number
  readonly slotMillis: number
}

// Both endpoints measure the rate "as an average over a recent time window"; Batch says that it is 30 seconds.
const rateWindow: TimeWindow = { slots: 30, slotMillis: 1000 }

// Amplitude Batch Event Upload API, 429: 24 hours, "measured as a rolling window of 1-hour interval"
const quotaWindow: TimeWindow = { slots: 24, slotMillis: 60 * 60 * 1000 }

const noTally: Tally = []

const tallied = (tally: Tally, { slotMillis, slots }: TimeWindow, now: number, events: number): Tally => {
  const slot = Math.floor(now / slotMillis)
  let start = 0
  while (start < tally.length && (tally[start] ?? 0) <= slot - slots) {
    start += 2
  }
  const recent = tally.slice(start)
  const last = recent.length - 2
  if (recent[last] === slot) {
    recent[last + 1] = (recent[last + 1] ?? 0) + events
  } else {
    recent.push(slot, events)
  }
  return recent
}

const total = (tally: Tally): number => {
  let sum = 0
  for (let index = 1; index < tally.length; index += 2) {
    sum += tally[index] ?? 0
  }
  return sum
}

const perSecond = (rate: Tally): number => Math.ceil(total(rate) * 1000 / (rateWindow.slots * rateWindow.slotMillis))

const countIds = (events: ReadonlyArray<JsonObject>, field: string): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>()
  for (const event of events) {
    const id = event[field]
    if (Predicate.isString(id)) {
      counts.set(id, (counts.get(id) ?? 0) + 1)
    }
  }
  return counts
}

/** The parts of an upload that are measured. */
interface Measured {
  readonly path: string
  readonly now: number
}

const sendersOf = (
  state: State,
  endpoint: Endpoint,
  events: ReadonlyArray<JsonObject>,
  field: IdField,
  { now, path }: Measured
): ReadonlyArray<Sender> =>
  Arr.map(Arr.fromIterable(countIds(events, field)), ([id, count]) => {
    const previous = state.sender(path, field, id)
    return {
      path,
      field,
      id,
      rate: tallied(previous?.rate ?? noTally, rateWindow, now, count),
      quota: Number.isFinite(endpoint.dailyQuota) ?
        tallied(previous?.quota ?? noTally, quotaWindow, now, count) :
        noTally
    }
  })

/** The traffic of users and devices after an upload, or its refusal if one of them sent too much. */
export const meter = (
  endpoint: Endpoint,
  state: State,
  events: ReadonlyArray<JsonObject>,
  measured: Measured
): Either.Either<Remembered["senders"], Answers.Answer> => {
  if (!Number.isFinite(endpoint.eventsPerSecond)) {
    return Either.right([])
  }
  const users = sendersOf(state, endpoint, events, "user_id", measured)
  const devices = sendersOf(state, endpoint, events, "device_id", measured)
  const senders = [...users, ...devices]
  return senders.some((sender) => isTooFast(endpoint, sender) || isOverQuota(endpoint, sender)) ?
    Either.left(tooManyRequests(endpoint, events, users, devices)) :
    Either.right(senders)
}

const isTooFast = ({ eventsPerSecond }: Endpoint, { rate }: Sender): boolean => perSecond(rate) > eventsPerSecond

const isOverQuota = ({ dailyQuota }: Endpoint, { quota }: Sender): boolean => total(quota) > dailyQuota

const tooManyRequests = (
  endpoint: Endpoint,
  events: ReadonlyArray<JsonObject>,
  users: ReadonlyArray<Sender>,
  devices: ReadonlyArray<Sender>
): Answers.Answer => {
  const throttled = (of: ReadonlyArray<Sender>): { readonly [id: string]: number } =>
    Object.fromEntries(
      of.filter((sender) => isTooFast(endpoint, sender)).map(({ id, rate }) => [id, perSecond(rate)])
    )
  const overQuota = (of: ReadonlyArray<Sender>): { readonly [id: string]: number } =>
    Object.fromEntries(
      of.filter((sender) => isOverQuota(endpoint, sender)).map(({ id, quota }) => [id, total(quota)])
    )
  const throttledUsers = throttled(users)
  const throttledDevices = throttled(devices)
  const isThrottled = (ids: object, id: unknown): boolean => Predicate.isString(id) && Object.hasOwn(ids, id)
  return Answers.refusal(429, "Too many requests for some devices and users", {
    eps_threshold: endpoint.eventsPerSecond,
    throttled_devices: throttledDevices,
    throttled_users: throttledUsers,
    throttled_events: events.flatMap((event, index) =>
      isThrottled(throttledUsers, event.user_id) || isThrottled(throttledDevices, event.device_id) ? [index] : []
    ),
    exceeded_daily_quota_users: overQuota(users),
    exceeded_daily_quota_devices: overQuota(devices)
  })
}

/** The recent use of one endpoint by one user. */
export interface Usage {
  readonly path: string
  readonly id: string
  readonly eventsPerSecond: number
  readonly eventsPerDay: number
}

/** The recent use of users and devices. */
export const usage = (senders: Remembered["senders"], now: number): ReadonlyArray<Usage> =>
  senders.map(({ id, path, quota, rate }) => ({
    path,
    id,
    eventsPerSecond: perSecond(tallied(rate, rateWindow, now, 0)),
    eventsPerDay: total(tallied(quota, quotaWindow, now, 0))
  }))
