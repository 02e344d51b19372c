/** The keyboard shortcuts of the page. */
import * as Copies from "./copies.js"
import * as Filter from "./filter.js"
import * as Log from "./log.js"
import { copy } from "./parts/Copy.js"
import { go, href, query, route, tabs } from "./router.js"
import { cursor, helpIsOpen, keysAreOn, paused } from "./state.js"

export const filterId = "filter"

/** Moves the focus to the row of an event after the list has drawn it. */
const focusRow = (id: string): void => {
  requestAnimationFrame(() => {
    // another key may have moved the cursor before this frame
    if (cursor.value === undefined || cursor.value === id) {
      document.querySelector<HTMLElement>(`[data-event="${CSS.escape(id)}"]`)?.focus({ preventScroll: true })
    }
  })
}

const openEvent = (): string | undefined => route.value.tab === "events" ? route.value.path[0] : undefined

const move = (step: 1 | -1): void => {
  if (route.value.tab !== "events") {
    return
  }
  const at = cursor.value ?? openEvent()
  if (step === -1 && at !== undefined && Log.indexOf(at) === 0) {
    // the waiting events are above the first row
    Log.advance()
  }
  const index = at === undefined ? -1 : Log.indexOf(at)
  const entry = Log.at(index === -1 ? 0 : index + step)
  if (entry === undefined) {
    return
  }
  const { id } = entry.event
  cursor.value = id
  if (openEvent() !== undefined) {
    go(href("events", [id]), true)
  }
  focusRow(id)
}

const back = (): void => {
  const { path, tab } = route.value
  if (path.length > 0) {
    go(href(tab))
    if (tab === "events" && path[0] !== undefined) {
      focusRow(path[0])
    }
  } else if (document.activeElement instanceof HTMLElement) {
    document.activeElement.blur()
    cursor.value = undefined
  }
}

const toEvents = (changes: { readonly q?: string } = {}): void =>
  go(href("events", route.value.tab === "events" ? route.value.path : [], changes), route.value.tab === "events")

const actions: { readonly [key: string]: (() => void) | undefined } = {
  j: () => move(1),
  k: () => move(-1),
  Enter: () => {
    if (route.value.tab === "events" && cursor.value !== undefined) {
      go(href("events", [cursor.value]))
    }
  },
  Escape: back,
  "/": () => {
    toEvents()
    requestAnimationFrame(() => document.getElementById(filterId)?.focus())
  },
  x: () => toEvents({ q: Filter.toggle(query.value, "is:fault") }),
  " ": () => paused.value = !paused.value,
  c: () => {
    const id = openEvent() ?? cursor.value
    const event = id === undefined ? undefined : Log.find(id)
    if (event !== undefined) {
      copy(Copies.json(event), "the event as JSON")
    }
  },
  "?": () => helpIsOpen.value = true,
  ...Object.fromEntries(tabs.map((tab, index) => [String(index + 1), () => go(href(tab))]))
}

const isField = (target: EventTarget | null): target is HTMLElement =>
  target instanceof HTMLElement && target.matches("input:not([type=checkbox]), textarea, select")

/** Whether the element with the focus handles the key itself, as a button or an input does. */
const answersItself = (target: EventTarget | null, key: string): boolean =>
  target instanceof Element && target.closest("[data-event]") === null &&
  (key === "Enter"
      ? target.closest("a, button, summary")
      : key === " "
      ? target.closest("button, summary, input")
      : null) !==
    null

export const listenToKeys = (): void => {
  addEventListener("keydown", (event) => {
    const { key, target } = event
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || helpIsOpen.value) {
      return
    }
    if (isField(target)) {
      if (key === "Escape") {
        target.blur()
      } else if (key === "Enter" && target.id === filterId) {
        target.blur()
        move(1)
      }
      return
    }
    const isSingle = key !== "Escape" && key !== "Enter"
    const action = isSingle && !keysAreOn.value || answersItself(target, key) ? undefined : actions[key]
    if (action !== undefined) {
      event.preventDefault()
      action()
    }
  })
}
