/** Reads the stream of the server: events as they arrive, requests, faults, and counts. */
import { batch, computed, effect, signal, untracked } from "@preact/signals"
import { address, get } from "./api.js"
import * as Log from "./log.js"
import { project } from "./router.js"
import type { Counts, EventPage, FaultList, ReceivedEvent, Stats, Verdict } from "./wire.js"

export const connection = signal<"connecting" | "open" | "lost">("connecting")

const none: Counts = { kept: 0, fault: 0, refused: 0, duplicate: 0, injected: 0 }

/** How many events arrived, by verdict, since the project was cleared. */
export const counts = signal<Counts>(none)

export const total = computed(() => Object.values(counts.value).reduce((sum, value) => sum + value, 0))

/** How many events the server has dropped. */
export const dropped = signal(0)

/** Whether the first page of events was read. */
export const loaded = signal(false)

/** Grows when something arrived, at most once a second, since views then read their routes again. */
export const arrivals = signal(0)

/** The faults that are armed. */
export const armed = signal<FaultList>({ faults: [], deliveries: [] })

/** How many seconds the chart shows. */
const chartSeconds = 60

/** The counts of each second, by the second since the epoch. */
const seconds = new Map<number, { -readonly [verdict in Verdict]: number }>()

const tick = signal(0)

/** The last minute, oldest second first. */
export const lastMinute = computed((): ReadonlyArray<Counts> => {
  void tick.value
  const now = Math.floor(Date.now() / 1000)
  return Array.from({ length: chartSeconds }, (_, index) => seconds.get(now - chartSeconds + 1 + index) ?? none)
})

setInterval(() => {
  const now = Math.floor(Date.now() / 1000)
  for (const second of seconds.keys()) {
    if (second < now - chartSeconds) {
      seconds.delete(second)
    }
  }
  if (!document.hidden) {
    tick.value++
  }
}, 1000)

/** The id of the newest event that the counts of the server include. The stream brings each later event once. */
let counted = Number.POSITIVE_INFINITY

/** The events that the stream brought before the counts of the server were read. */
let early: Array<ReceivedEvent> = []

/** Counts the events that are newer than the counts of the server. */
const countArrivals = (events: ReadonlyArray<ReceivedEvent>): void => {
  const sum: { -readonly [verdict in Verdict]: number } = { ...untracked(() => counts.value) }
  for (const { id, receivedAt, verdict } of events) {
    if (Number(id) <= counted) {
      continue
    }
    counted = Number(id)
    const second = Math.floor(receivedAt / 1000)
    const before = seconds.get(second) ?? { ...none }
    before[verdict]++
    seconds.set(second, before)
    sum[verdict]++
  }
  counts.value = sum
  tick.value++
}

/** Limits calls of `run` to one in `millis`. */
const throttle = (millis: number, run: () => void): () => void => {
  let timer: ReturnType<typeof setTimeout> | undefined
  return () => {
    timer ??= setTimeout(() => {
      timer = undefined
      run()
    }, millis)
  }
}

/** Grows when the page starts over, for another project or after a clear or restart of the server. */
export const restarts = signal(0)

const readStats = async (isCurrent: () => boolean): Promise<void> => {
  const stats = await get<Stats>("/api/stats")
  if (!isCurrent()) {
    return
  }
  batch(() => {
    counted = Number(stats.last)
    counts.value = stats.verdicts
    for (const { at, ...second } of stats.seconds) {
      seconds.set(Math.floor(at / 1000), second)
    }
    countArrivals(early)
    early = []
  })
}

const noteArrivalsSoon = throttle(1000, () => {
  arrivals.value++
})

const readFaults = (): void => {
  get<FaultList>("/api/faults").then((list) => {
    armed.value = list
  }, () => {})
}

const readFaultsSoon = throttle(500, readFaults)

/** Reads the faults again after the page has changed them. */
export const refreshFaults = readFaults

/** The time that the page waits before it starts over, in milliseconds. */
const retryMillis = 2000

const pageSize = 500

/** Reads the events that the server holds, newest first, until there are no more or the page has no room. */
const readOlder = async (isCurrent: () => boolean): Promise<void> => {
  let after: string | undefined
  do {
    const page: EventPage = await get("/api/events", { limit: pageSize, cursor: after })
    if (!isCurrent()) {
      return
    }
    batch(() => {
      Log.prepend(page.events)
      dropped.value = page.dropped
      loaded.value = true
    })
    after = page.cursor
  } while (after !== undefined && Log.hasRoom())
}

/** Reads how many events the server has dropped. */
const readDroppedSoon = throttle(5000, () => {
  get<EventPage>("/api/events", { limit: 1 }).then((page) => {
    dropped.value = page.dropped
  }, () => {})
})

const take = (events: ReadonlyArray<ReceivedEvent>): void =>
  batch(() => {
    Log.append(events)
    // an event that the page has read already can be newer than the counts
    if (counted === Number.POSITIVE_INFINITY) {
      early.push(...events)
    } else {
      countArrivals(events)
    }
    noteArrivalsSoon()
    readDroppedSoon()
    if (armed.value.faults.length > 0) {
      readFaultsSoon()
    }
  })

/** Opens the stream and reads the held events. The result stops both. */
const start = (): () => void => {
  let state: "new" | "open" | "over" = "new"
  const isCurrent = (): boolean => state !== "over"
  batch(() => {
    Log.clear()
    seconds.clear()
    counted = Number.POSITIVE_INFINITY
    early = []
    counts.value = none
    dropped.value = 0
    loaded.value = false
    connection.value = "connecting"
    restarts.value++
    arrivals.value++
  })
  const source = new EventSource(address("/api/stream"))
  let again: ReturnType<typeof setTimeout> | undefined
  source.addEventListener("open", () => {
    connection.value = "open"
    readFaults()
    if (state === "open") {
      // the stream resumes after the last message, or begins with `cleared`
      arrivals.value++
      return
    }
    state = "open"
    // the stream is opened first, so that no event is missed between the two
    Promise.all([readStats(isCurrent), readOlder(isCurrent)]).catch(() => {
      if (isCurrent()) {
        again = setTimeout(restart, retryMillis)
      }
    })
  })
  source.addEventListener("error", () => {
    connection.value = "lost"
    // the browser reconnects by itself, unless the answer was not a stream
    if (source.readyState === EventSource.CLOSED) {
      again = setTimeout(restart, retryMillis)
    }
  })
  source.addEventListener("event", ({ data }: MessageEvent<string>) => take(JSON.parse(data) as Array<ReceivedEvent>))
  source.addEventListener("request", noteArrivalsSoon)
  source.addEventListener("fault", readFaultsSoon)
  source.addEventListener("cleared", () => restart())
  return () => {
    state = "over"
    clearTimeout(again)
    source.close()
  }
}

let stop = (): void => {}

const restart = (): void =>
  untracked(() => {
    stop()
    stop = start()
  })

/** Reads from the server, and starts over when another project is shown. */
export const listen = (): void => {
  effect(() => {
    void project.value
    restart()
  })
}
