/**
 * The lines of a file that were read and are not yet done with, in their order. The lines before the first that is
 * still under way are settled: a checkpoint says up to where, and the refused ones among them are written out.
 */
import { deviceBucket, userBucket } from "./userLimits.js"

export interface Entry {
  readonly line: number
  readonly end: number
  readonly bytes: number
  readonly insertId: string
  readonly user: number
  readonly device: number
  isDone: boolean
  /** The line of the file of refused events. */
  refused: string | undefined
}

/** Up to where everything is settled. */
export interface Position {
  readonly line: number
  readonly end: number
  readonly sent: number
  readonly refused: number
}

export class Outstanding {
  #entries: Array<Entry> = []
  #head = 0
  readonly #underWay = new Map<string, Entry | Array<Entry>>()
  #bytes = 0
  #events = 0
  #settled: Position
  #refusedText: Array<string> = []

  constructor(settled: Position) {
    this.#settled = settled
  }

  /** Events that were handed to the client and have no outcome. */
  get events(): number {
    return this.#events
  }

  /** The length of their lines, and of the refused ones that wait to be written. */
  get bytes(): number {
    return this.#bytes
  }

  /** Lines between the first that is under way and the last that was read. */
  get span(): number {
    return this.#entries.length - this.#head
  }

  get settled(): Position {
    return this.#settled
  }

  /** The refused lines up to the settled one that were not taken before. */
  takeRefused(): string {
    const text = this.#refusedText.join("")
    this.#refusedText = []
    return text
  }

  begin(line: number, end: number, bytes: number, insertId: string, userId: unknown, deviceId: unknown): Entry {
    const entry: Entry = {
      line,
      end,
      bytes,
      insertId,
      user: userBucket(userId),
      device: deviceBucket(deviceId),
      isDone: false,
      refused: undefined
    }
    this.#entries.push(entry)
    this.#bytes += bytes
    this.#events += 1
    const other = this.#underWay.get(insertId)
    // the same id twice is the same event to the service: whichever is settled first stands for the first
    if (other === undefined) this.#underWay.set(insertId, entry)
    else if (Array.isArray(other)) other.push(entry)
    else this.#underWay.set(insertId, [other, entry])
    return entry
  }

  /** A line that was never handed to the client. */
  refuseUnsent(line: number, end: number, refused: string): void {
    this.#entries.push({
      line,
      end,
      bytes: refused.length,
      insertId: "",
      user: -1,
      device: -1,
      isDone: true,
      refused
    })
    this.#bytes += refused.length
    this.#advance()
  }

  /** The entry of an event whose outcome has come. */
  take(insertId: string): Entry | undefined {
    const found = this.#underWay.get(insertId)
    if (!Array.isArray(found)) {
      this.#underWay.delete(insertId)
      return found
    }
    const entry = found.shift()
    if (found.length === 0) this.#underWay.delete(insertId)
    return entry
  }

  settle(entry: Entry, refused: string | undefined): void {
    entry.isDone = true
    entry.refused = refused
    this.#events -= 1
    this.#advance()
  }

  #advance(): void {
    let { end, line, refused, sent } = this.#settled
    for (let first = this.#entries[this.#head]; first?.isDone === true; first = this.#entries[this.#head]) {
      line = first.line
      end = first.end
      this.#bytes -= first.bytes
      if (first.refused === undefined) {
        sent += 1
      } else {
        refused += 1
        this.#refusedText.push(first.refused)
      }
      this.#head += 1
    }
    this.#settled = { line, end, sent, refused }
    if (this.#head > 4096 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head)
      this.#head = 0
    }
  }
}
