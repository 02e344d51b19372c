/** Arms and stops faults, and describes them. */
import { ApiError, send } from "./api.js"
import { duration, percent, plural } from "./format.js"
import { refreshFaults } from "./live.js"
import { notify } from "./state.js"
import type { Fault } from "./wire.js"

/** A fault in words. */
export const describe = ({ answer, forMs, share, times, user }: Fault): string => {
  const what = answer === "reset" ?
    "Connection reset" :
    answer === "timeout" ?
    "No answer" :
    `${answer.status}${answer.delayMs === undefined ? "" : ` after ${duration(answer.delayMs)}`}`
  const whom = [
    ...(times === undefined ? [] : [`the next ${times === 1 ? "request" : plural(times, "request")}`]),
    ...(share === undefined ? [] : [`${percent(share)} of requests`]),
    ...(user === undefined ? [] : [`user ${user}`]),
    ...(forMs === undefined ? [] : [`${duration(forMs)}`])
  ]
  return whom.length === 0 ? `${what} for every request` : `${what} for ${whom.join(", for ")}`
}

const report = (done: Promise<unknown>, message: string): void => {
  done.then(
    () => {
      notify(message)
      refreshFaults()
    },
    (error: unknown) => notify(error instanceof ApiError ? error.message : String(error))
  )
}

export const inject = (fault: Fault): void => report(send("POST", "/api/faults", fault), `On: ${describe(fault)}`)

export const stopAll = (): void => report(send("DELETE", "/api/faults", {}), "The faults are off")
