/** What the server says by itself: events as they arrive, requests, faults, and counts. */
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

/** How many events the server no longer has. */
export const dropped = signal(0)

/** Whether the first page of events was read. */
export const loaded = signal(false)

/** Grows when something arrived. At most once a second, so that views that read again do not do so all the time. */
export const arrivals = signal(0)

/** Grows when the faults changed. */
export const faultChanges = signal(0)

/** The faults that are armed. */
export const armed = signal<FaultList>({ faults: [], deliveries: [] })

/** How many seconds the chart shows. */
const chartSeconds = 60

/** The counts of each second, by the second since the epoch. */
const seconds = new Map<number, { -readonly [verdict in Verdict]: number }>()

const tick = signal(0)

/** The server's clock less the browser's, in milliseconds. */
const skew = 0

/** The last minute, oldest second first. */
export const lastMinute = computed((): ReadonlyArray<Counts> => {
  void tick.value
  const now = Math.floor((Date.now() + skew) / 1000)
  return Array.from({ length: chartSeconds }, (_, index) => seconds.get(now - chartSeconds + 1 + index) ?? none)
})

setInterval(() => {
  const now = Math.floor((Date.now() + skew) / 1000)
  for (const second of seconds.keys()) {
    if (second < now - chartSeconds) {
      seconds.delete(second)
    }
  }
  if (!document.hidden) {
    tick.value++
  }
}, 1000)

const countArrivals = (events: ReadonlyArray<ReceivedEvent>): void => {
  const sum: { -readonly [verdict in Verdict]: number } = { ...untracked(() => counts.value) }
  for (const { receivedAt, verdict } of events) {
    const second = Math.floor(receivedAt / 1000)
    const before = seconds.get(second) ?? { ...none }
    before[verdict]++
    seconds.set(second, before)
    sum[verdict]++
  }
  counts.value = sum
  tick.value++
}

/** Calls `run` soon, once however often it is asked to, and at most once in `millis`. */
const throttle = (millis: number, run: () => void): () => void => {
  let timer: ReturnType<typeof setTimeout> | undefined
  return () => {
    timer ??= setTimeout(() => {
      timer = undefined
      run()
    }, millis)
  }
}

/** Grows when the page starts over: another project, or a server that was cleared or started again. */
export const restarts = signal(0)

const readStats = (): void => {
  const started = untracked(() => restarts.value)
  get<Stats>("/api/stats").then((stats) => {
    if (started === restarts.value) {
      batch(() => {
        counts.value = stats.verdicts
        seconds.clear()
        for (const { at, ...second } of stats.seconds) {
          seconds.set(Math.floor(at / 1000), second)
        }
        tick.value++
      })
    }
  }, () => {})
}

const readStatsSoon = throttle(2000, readStats)

const noteArrivalsSoon = throttle(1000, () => {
  arrivals.value++
})

const readFaults = (): void => {
  get<FaultList>("/api/faults").then((list) => {
    armed.value = list
    faultChanges.value++
  }, () => {})
}

const readFaultsSoon = throttle(500, readFaults)

/** Reads the faults again, when the page changed them. */
export const refreshFaults = readFaults

const pageSize = 500

/** Reads the events that the server already has, newest first, until it has no more or the page has no room. */
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

const take = (events: ReadonlyArray<ReceivedEvent>): void =>
  batch(() => {
    const news = Log.append(events)
    if (news.length > 0) {
      countArrivals(news)
      readStatsSoon()
      noteArrivalsSoon()
      if (armed.value.faults.length > 0) {
        readFaultsSoon()
      }
    }
  })

/** Opens the stream and reads what is there. Answers how to stop. */
const start = (): () => void => {
  let isCurrent = true
  let wasOpen = false
  batch(() => {
    Log.clear()
    seconds.clear()
    counts.value = none
    dropped.value = 0
    loaded.value = false
    connection.value = "connecting"
    restarts.value++
  })
  const source = new EventSource(address("/api/stream"))
  let again: ReturnType<typeof setTimeout> | undefined
  source.addEventListener("open", () => {
    if (wasOpen) {
      // It may be another server: what it holds is read anew.
      restart()
      return
    }
    wasOpen = true
    connection.value = "open"
    // The stream comes first, so that no event falls between it and what is read.
    readStats()
    readFaults()
    readOlder(() => isCurrent).catch(() => {
      loaded.value = isCurrent || loaded.value
    })
  })
  source.addEventListener("error", () => {
    connection.value = "lost"
    // The browser tries again by itself, unless the answer was no stream.
    if (source.readyState === EventSource.CLOSED) {
      again = setTimeout(restart, 2000)
    }
  })
  source.addEventListener("event", ({ data }: MessageEvent<string>) => take(JSON.parse(data) as Array<ReceivedEvent>))
  source.addEventListener("request", noteArrivalsSoon)
  source.addEventListener("fault", readFaultsSoon)
  source.addEventListener("cleared", () => {
    batch(() => {
      Log.clear()
      seconds.clear()
      counts.value = none
      dropped.value = 0
      arrivals.value++
    })
    readFaults()
  })
  return () => {
    isCurrent = false
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

/** Listens to the server, and starts over when another project is shown. */
export const listen = (): void => {
  effect(() => {
    void project.value
    restart()
  })
}
