/**
 * When waiting events leave: at once when there are enough of them for a request, else when the oldest has waited for
 * company as long as it may; those that were sent before and come back wait for nobody. Knows numbers and times only.
 */

import type { EventStorage } from "../../EventStorage.js"
import { lengthOf } from "./batchLimits.js"

/** Events that arrived at one time. */
interface Arrivals {
  readonly time: number
  count: number
}

export interface Limits {
  /** How many events make a request. */
  readonly count: number
  /** How many bytes of JSON make a request. */
  readonly bytes: number
  /** The longest an event waits for company, in milliseconds. */
  readonly interval: number
}

export interface Company {
  /** An event of so many bytes of JSON arrives; true when that changes when the next request is due. */
  readonly arrive: (now: number, length: number, limits: Limits) => boolean
  /** What is waiting for company leaves as soon as it can. */
  readonly hurry: () => void
  /** Something can leave at `time` that waits for no company: it was sent before, or came from elsewhere. */
  readonly expect: (time: number) => void
  /** A request ended, and with it what held back events of its lanes. */
  readonly unblock: () => void
  /** When the next request is due, in milliseconds since the epoch. */
  readonly dueAt: (limits: Limits) => number
  /**
   * Events left. `short`: there was no more to take, so that whatever else is waiting (`rest`) is held back by a request
   * under way or a pause.
   */
  readonly leave: (
    events: ReadonlyArray<Pick<EventStorage.EncodedEvent, "attempts" | "json">>,
    now: number,
    short: boolean,
    rest: boolean
  ) => void
}

/** So many different times of arrival are told apart; more events than that count as arrived with the last of them. */
const maxTimes = 1000

export const make = (): Company => {
  let arrivals: Array<Arrivals> = []
  const expected = new Set<number>()
  let waiting = 0
  let length = 0
  /** How many of the oldest waiting ones are in a hurry. */
  let hurried = 0
  /** Whether events are held back that were due before. */
  let heldBack = false

  const enough = (limits: Limits): boolean => waiting >= limits.count || length >= limits.bytes

  /** Forgets the expected times that have come, and says whether there were any. */
  const forgetPast = (now: number): boolean => {
    const before = expected.size
    for (const time of expected) if (time <= now) expected.delete(time)
    return expected.size < before
  }

  const forget = (count: number): void => {
    let left = count
    while (left > 0 && arrivals[0] !== undefined) {
      const taken = Math.min(left, arrivals[0].count)
      left -= taken
      arrivals[0].count -= taken
      if (arrivals[0].count === 0) arrivals.shift()
    }
  }

  return {
    arrive: (now, size, limits) => {
      const before = enough(limits)
      waiting++
      length += size
      const last = arrivals[arrivals.length - 1]
      if (last !== undefined && (last.time === now || arrivals.length >= maxTimes)) last.count++
      else arrivals.push({ time: now, count: 1 })
      return waiting === 1 || (!before && enough(limits))
    },
    hurry: () => {
      hurried = waiting
    },
    expect: (time) => {
      expected.add(time)
    },
    unblock: () => {
      if (heldBack) expected.add(0)
      heldBack = false
    },
    dueAt: (limits) =>
      Math.min(
        hurried > 0 || enough(limits) ? 0 : Infinity,
        arrivals[0] === undefined ? Infinity : arrivals[0].time + limits.interval,
        leastOf(expected)
      ),
    leave: (events, now, short, rest) => {
      if (short) {
        heldBack = rest
        arrivals = []
        forgetPast(now)
        waiting = length = hurried = 0
        return
      }
      // more may be left of what was expected: one entry says so
      if (forgetPast(now)) expected.add(0)
      let fresh = 0
      for (const event of events) {
        if (event.attempts > 0) continue
        fresh++
        length -= lengthOf(event)
      }
      waiting = Math.max(0, waiting - fresh)
      hurried = Math.max(0, hurried - fresh)
      length = Math.max(0, length)
      forget(fresh)
    }
  }
}

const leastOf = (times: Iterable<number>): number => {
  let least = Infinity
  for (const time of times) if (time < least) least = time
  return least
}
