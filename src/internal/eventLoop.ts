/** Waits for the event loop, in which timers and sockets run. Effect's scheduler does not wait for it. */
import * as Option from "effect/Option"

/**
 * Runs a task in the next turn of the event loop. The result is false if the task will not run: a test has replaced the
 * timers of the platform, or the platform allows no timers.
 */
export const afterTurn = (task: () => void): boolean => {
  const soon = globalThis.setImmediate ?? globalThis.setTimeout
  return isOfPlatform(soon) && Option.isSome(Option.liftThrowable(() => soon(task))())
}

/**
 * Whether a timer is the platform's. The fakes of vitest, jest and sinon have a clock; other fakes have another name.
 */
const isOfPlatform = (timer: typeof setImmediate | typeof setTimeout): boolean =>
  /^set(Immediate|Timeout)$/.test(timer.name) && !("clock" in timer)
