/** What the reader does with the page, as far as several views know it. */
import { signal } from "@preact/signals"

/** The id of the event that the keys move from. */
export const cursor = signal<string | undefined>(undefined)

/** Whether the reader stopped the list. */
export const paused = signal(false)

export const helpIsOpen = signal(false)

const keysKey = "effect-amplitude/keys"

const storedKeys = (): boolean => {
  try {
    return localStorage.getItem(keysKey) !== "off"
  } catch {
    // A browser that blocks storage answers with an exception.
    return true
  }
}

/** Whether single keys do something. Who speaks to the computer may want them off. */
export const keysAreOn = signal(storedKeys())

export const setKeys = (on: boolean): void => {
  keysAreOn.value = on
  try {
    localStorage.setItem(keysKey, on ? "on" : "off")
  } catch {
    // The choice lasts as long as the page.
  }
}

/** A message that goes away by itself. Screen readers read it. */
export const notice = signal("")

let timer: ReturnType<typeof setTimeout> | undefined

export const notify = (message: string): void => {
  clearTimeout(timer)
  notice.value = message
  timer = setTimeout(() => {
    notice.value = ""
  }, 4000)
}
