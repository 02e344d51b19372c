/**
 * Holds the lines of a file that were read and have no outcome yet, in order. All lines before the first of these are
 * settled: the checkpoint is there, and their refused lines are written out.
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
  /** The text for the file of refused lines, if the event was refused. */
  refused: string | undefined
}

/** The position up to which all lines are settled. */
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

  /** The number of events that the client has and that have no outcome. */
  get events(): number {
    return this.#events
  }

  /** The bytes of the lines without an outcome, and of refused lines that are not written yet. */
  get bytes(): number {
    return this.#bytes
  }

  /** The number of lines from the first one without an outcome to the last one that was read. */
  get span(): number {
    return this.#entries.length - this.#head
  }

  get settled(): Position {
    return this.#settled
  }

  /** Takes the settled refused lines that were not taken before. */
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
    // two lines with one `insert_id` are the same event: the first outcome counts for the first line
    if (other === undefined) this.#underWay.set(insertId, entry)
    else if (Array.isArray(other)) other.push(entry)
    else this.#underWay.set(insertId, [other, entry])
    return entry
  }

  /** Adds a refused line that the client never got. */
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

  /** Takes the entry of an event that has its outcome. */
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
