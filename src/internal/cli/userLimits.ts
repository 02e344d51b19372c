/**
 * Keeps each user and device below the limit of the Batch API: 1,000 events a second, as an average over 30 seconds.
 * Events without an outcome count, and delivered events count from their reports on, so that the service never counts
 * more than this does. Users share a fixed number of buckets to bound the memory. Two users in one bucket are sent more
 * slowly.
 */

const buckets = 65_536
const windowSeconds = 31
const maxInWindow = 30_000

export class UserLimits {
  readonly #underWay = new Int32Array(2 * buckets)
  readonly #delivered = new Int32Array(2 * buckets)
  readonly #seconds = Array.from({ length: windowSeconds }, () => new Uint16Array(2 * buckets))
  #now: number

  /** The time in seconds. */
  constructor(now: number) {
    this.#now = Math.floor(now)
  }

  /** Whether one more event of a user and a device can be sent. */
  hasRoom(user: number, device: number, now: number): boolean {
    this.#advance(now)
    return this.#hasRoomIn(user) && this.#hasRoomIn(device)
  }

  begin(user: number, device: number): void {
    if (user >= 0) this.#underWay[user]!++
    if (device >= 0) this.#underWay[device]!++
  }

  end(user: number, device: number, isDelivered: boolean, now: number): void {
    this.#advance(now)
    for (const bucket of [user, device]) {
      if (bucket < 0) continue
      this.#underWay[bucket]!--
      if (!isDelivered) continue
      this.#delivered[bucket]!++
      this.#seconds[this.#now % windowSeconds]![bucket]!++
    }
  }

  #hasRoomIn(bucket: number): boolean {
    return bucket < 0 || this.#underWay[bucket]! + this.#delivered[bucket]! < maxInWindow
  }

  #advance(now: number): void {
    const second = Math.floor(now)
    for (let steps = Math.min(second - this.#now, windowSeconds); steps > 0; steps--) {
      const expired = this.#seconds[(second - steps + 1) % windowSeconds]!
      for (let bucket = 0; bucket < expired.length; bucket++) {
        if (expired[bucket] !== 0) this.#delivered[bucket]! -= expired[bucket]!
      }
      expired.fill(0)
    }
    if (second > this.#now) this.#now = second
  }
}

/** The bucket of a user, or none. */
export const userBucket = (id: unknown): number => typeof id === "string" ? hash(id) : -1

/** The bucket of a device, or none. */
export const deviceBucket = (id: unknown): number => typeof id === "string" ? buckets + hash(id) : -1

/** The lower bits of FNV-1a. */
const hash = (text: string): number => {
  let result = 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    result = Math.imul(result ^ text.charCodeAt(index), 0x01000193)
  }
  return (result ^ result >>> 16) & buckets - 1
}
