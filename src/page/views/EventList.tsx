/** The list of events. Only the rows near the visible part are drawn, so that a long list is as fast as a short one. */
import { untracked, useSignal, useSignalEffect } from "@preact/signals"
import type { JSX } from "preact"
import { useEffect, useLayoutEffect, useRef } from "preact/hooks"
import { timeOfDay } from "../format.js"
import * as Log from "../log.js"
import { Verdict } from "../parts/Verdict.js"
import { href, query, route } from "../router.js"
import { cursor, paused } from "../state.js"

/** The height of a row in CSS pixels: `--row` of the style sheet. */
const rowHeight = 56

/** Rows that exist above and below the visible part. */
const overscan = 8

/** The time that a pointer without movement counts as reading, in milliseconds. */
const readingMillis = 10_000

export const EventList = (): JSX.Element => {
  const box = useRef<HTMLDivElement>(null)
  const top = useSignal(0)
  const height = useSignal(640)
  const pointed = useSignal(false)
  const focused = useSignal(false)

  useLayoutEffect(() => {
    const element = box.current!
    height.value = element.clientHeight
    const observer = new ResizeObserver(() => {
      height.value = element.clientHeight
    })
    observer.observe(element)
    return () => observer.disconnect()
  }, [])

  useSignalEffect(() => {
    const reading = top.value > 0 || pointed.value || focused.value || paused.value || route.value.path.length > 0
    if (reading) {
      Log.hold()
    } else {
      Log.follow()
    }
  })

  // another filter shows another list, from its top
  useSignalEffect(() => {
    void query.value
    box.current?.scrollTo(0, 0)
  })

  // keys scroll the event at the cursor into view
  useSignalEffect(() => {
    const element = box.current
    const id = cursor.value
    const index = id === undefined ? -1 : untracked(() => Log.indexOf(id))
    if (element === null || index === -1) {
      return
    }
    const start = index * rowHeight
    if (start < element.scrollTop) {
      element.scrollTop = start
    } else if (start + rowHeight > element.scrollTop + element.clientHeight) {
      element.scrollTop = start + rowHeight - element.clientHeight
    }
  })

  const still = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  useEffect(() => () => clearTimeout(still.current), [])
  const onPointerMove = (): void => {
    pointed.value = true
    clearTimeout(still.current)
    still.current = setTimeout(() => {
      pointed.value = false
    }, readingMillis)
  }
  const onPointerLeave = (): void => {
    clearTimeout(still.current)
    pointed.value = false
  }

  const total = Log.length.value
  const open = route.value.path[0]
  const atCursor = cursor.value === undefined ? -1 : Log.indexOf(cursor.value)
  const first = Math.max(0, Math.floor(top.value / rowHeight) - overscan)
  const last = Math.min(total, Math.ceil((top.value + height.value) / rowHeight) + overscan)
  const indices = Array.from({ length: Math.max(0, last - first) }, (_, offset) => first + offset)
  // the row at the cursor is always drawn, since it can have the focus
  if (atCursor !== -1 && (atCursor < first || atCursor >= last)) {
    indices.push(atCursor)
  }
  const tabStop = atCursor === -1 ? 0 : atCursor

  const showNew = (): void => {
    Log.advance()
    box.current?.scrollTo(0, 0)
  }

  return (
    <div class="list-frame">
      {Log.waiting.value === 0 ? null : (
        <button type="button" class="button primary new-events" onClick={showNew}>
          <svg width="10" height="10" viewBox="0 0 10 10" aria-hidden="true">
            <path d="M5 9V1M1.5 4.5 5 1l3.5 3.5" />
          </svg>
          {Log.waiting.value.toLocaleString("en-US")} new
        </button>
      )}
      <div
        class="list"
        ref={box}
        onScroll={({ currentTarget }) => top.value = currentTarget.scrollTop}
        onPointerMove={onPointerMove}
        onPointerLeave={onPointerLeave}
        onFocusIn={() => focused.value = true}
        onFocusOut={() => focused.value = false}
      >
        <ul role="list" aria-label="Events, newest first" style={{ height: `${total * rowHeight}px` }}>
          {indices.map((index) => {
            const entry = Log.at(index)
            return entry === undefined ? null : (
              <Row
                key={entry.event.id}
                entry={entry}
                index={index}
                total={total}
                isOpen={entry.event.id === open}
                isTabStop={index === tabStop}
              />
            )
          })}
        </ul>
      </div>
    </div>
  )
}

const Row = (
  { entry: { event }, index, isOpen, isTabStop, total }: {
    readonly entry: Log.Entry
    readonly index: number
    readonly total: number
    readonly isOpen: boolean
    readonly isTabStop: boolean
  }
): JSX.Element => {
  const reason = Log.reasonOf(event)
  const user = Log.userOf(event)
  return (
    <li
      class="row-place"
      aria-setsize={total}
      aria-posinset={index + 1}
      style={{ transform: `translateY(${index * rowHeight}px)` }}
    >
      <a
        class="row"
        href={href("events", [event.id])}
        data-event={event.id}
        aria-current={isOpen ? "true" : undefined}
        tabIndex={isTabStop ? 0 : -1}
        draggable={false}
        onFocus={() => cursor.value = event.id}
      >
        <Verdict verdict={event.verdict} />
        <span class="row-type ellipsis">{Log.typeOf(event)}</span>
        <time class="row-time number" dateTime={new Date(event.receivedAt).toISOString()}>
          {timeOfDay(event.receivedAt)}
        </time>
        <span
          class={`row-reason ellipsis${
            event.verdict !== "kept" ? ` is-${event.verdict}` : reason === "" ? "" : " is-refused"
          }`}
        >
          {reason === "" ? Log.preview(event) : reason}
        </span>
        <span class="row-user ellipsis">{user}</span>
      </a>
    </li>
  )
}
