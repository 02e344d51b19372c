/** The interface of every contender: this package, the floor and the peers. */
import type { Place } from "../control.js"

export interface Settings extends Place {
  /** The most events that will wait at once, for clients whose buffer has a size. */
  readonly waiting: number
  /** Whether the client may send nothing before `flush`, if it has such a setting. */
  readonly hold: boolean
  /** Whether answers take long, so that larger or more requests pay. */
  readonly slow: boolean
}

export interface Client {
  /** Calls `track` so many times, in a loop as callers of this client would write it, without waiting for anything. */
  readonly burst: (count: number, from: number) => Promise<void> | void
  /** The same as fast as the client takes them: waiting now and then where it would drop or slow down otherwise. */
  readonly produce: (count: number) => Promise<void>
  /** The same as a host does that tracks a few events now and then. By default a burst. */
  readonly steady?: (count: number, from: number) => Promise<void> | void
  /** Until everything that was tracked has its outcome. */
  readonly flush: () => Promise<void>
  readonly close: () => Promise<void>
  /** How many calls make one burst, where many at once are not what the client is made for. By default 10,000. */
  readonly burstSize?: number
  /** What else the sample should tell. */
  readonly notes?: () => Readonly<Record<string, number>>
}

export type Open = (settings: Settings) => Promise<Client>
