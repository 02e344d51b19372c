/**
 * Tracks `count` events, and waits for the client to flush after every `every` of them.
 *
 * @param {number} count
 * @param {number} every
 * @param {(count: number, from: number) => void} burst
 * @param {() => Promise<unknown>} flush
 */
export const pace = async (count, every, burst, flush) => {
  for (let from = 0; from < count; from += every) {
    burst(Math.min(every, count - from), from)
    await flush()
  }
}
