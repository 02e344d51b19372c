/**
 * The places of events without an outcome. A client whose storage ends with the process reports each of them at its
 * end, even if the storage does not answer.
 */
import type { EventStorage } from "../../EventStorage.js"
import type { Place } from "../event/jsonWriter.js"

/** The most events of a run. */
const capacity = 256

/** Events with consecutive sequences that are adjacent in one buffer. */
class Run {
  readonly buffer: Uint8Array
  readonly start: number
  readonly firstSequence: number
  /** The end of each event in the buffer, negative if it has its outcome. */
  readonly ends = new Int32Array(capacity)
  count = 0
  open = 0

  constructor(sequence: number, { buffer, start }: Place) {
    this.buffer = buffer
    this.start = start
    this.firstSequence = sequence
  }

  accepts(sequence: number, { buffer, start }: Place): boolean {
    return this.count < capacity && buffer === this.buffer && sequence === this.firstSequence + this.count &&
      start === Math.abs(this.ends[this.count - 1]!) + 1
  }

  has(sequence: number): boolean {
    return sequence >= this.firstSequence && sequence < this.firstSequence + this.count
  }

  add(end: number): void {
    this.ends[this.count++] = end
    this.open++
  }

  settle(sequence: number): void {
    const index = sequence - this.firstSequence
    if (this.ends[index]! > 0) {
      this.ends[index] = -this.ends[index]!
      this.open--
    }
  }

  startOf(index: number): number {
    return index === 0 ? this.start : Math.abs(this.ends[index - 1]!) + 1
  }
}

export class Unsettled {
  private readonly runs: Array<Run> = []

  add(sequence: number, place: Place): void {
    let newest = this.runs[this.runs.length - 1]
    if (newest === undefined || !newest.accepts(sequence, place)) {
      newest = new Run(sequence, place)
      this.runs.push(newest)
    }
    newest.add(place.end)
  }

  settle(sequence: number): void {
    // most events have their outcome in the order in which they came
    const index = this.runs[0]?.has(sequence) === true ? 0 : this.indexOf(sequence)
    const run = this.runs[index]
    if (run === undefined || !run.has(sequence)) return
    run.settle(sequence)
    if (run.open === 0) this.runs.splice(index, 1)
  }

  /** The events in the order of their sequences. Their `attempts` are not known here. */
  events(clientId: string): ReadonlyArray<EventStorage.EncodedEvent> {
    return this.runs.flatMap((run) =>
      Array.from(run.ends.subarray(0, run.count)).flatMap((end, index) =>
        end <= 0 ? [] : [{
          clientId,
          sequence: run.firstSequence + index,
          lane: "",
          buffer: run.buffer,
          start: run.startOf(index),
          end,
          attempts: 0,
          retries: 0
        }]
      )
    )
  }

  /** The last run that begins at or before a sequence. */
  private indexOf(sequence: number): number {
    let low = 0
    let high = this.runs.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.runs[middle]!.firstSequence <= sequence) low = middle + 1
      else high = middle
    }
    return low - 1
  }
}
