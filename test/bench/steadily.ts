import { sleep } from "./control.js"

/** Tracks so many events a second, a few every five milliseconds; what a late timer has missed follows at once. */
export const steadily = async (
  rate: number,
  seconds: number,
  from: number,
  track: (count: number, from: number) => unknown
): Promise<void> => {
  const started = performance.now()
  const total = rate * seconds
  for (let tracked = 0; tracked < total;) {
    const due = Math.min(total, Math.floor((performance.now() - started) / 1000 * rate))
    if (due > tracked) void track(due - tracked, from + tracked)
    tracked = due
    await sleep(5)
  }
}
