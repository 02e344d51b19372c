/** The state that several views share. */
import { signal } from "@preact/signals"

/** The id of the event at the cursor, which the keys move. */
export const cursor = signal<string | undefined>(undefined)

/** Whether the reader has paused the list. */
export const paused = signal(false)

export const helpIsOpen = signal(false)

const keysKey = "effect-amplitude/keys"

const storedKeys = (): boolean => {
  try {
    return localStorage.getItem(keysKey) !== "off"
  } catch {
    // a browser that blocks storage throws
    return true
  }
}

/** Whether shortcuts of a single key are on. Speech input can press such keys by accident. */
export const keysAreOn = signal(storedKeys())

export const setKeys = (on: boolean): void => {
  keysAreOn.value = on
  try {
    localStorage.setItem(keysKey, on ? "on" : "off")
  } catch {
    // the choice is kept until the page closes
  }
}

/** A message that disappears by itself. Screen readers read it. */
export const notice = signal("")

let timer: ReturnType<typeof setTimeout> | undefined

export const notify = (message: string): void => {
  clearTimeout(timer)
  notice.value = message
  timer = setTimeout(() => {
    notice.value = ""
  }, 4000)
}
