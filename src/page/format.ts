/** Formats numbers, times and values for readers. */

const two = (value: number): string => String(value).padStart(2, "0")

/** The time of day with milliseconds, in the zone of the browser. */
export const timeOfDay = (millis: number): string => {
  const date = new Date(millis)
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${
    String(date.getMilliseconds()).padStart(3, "0")
  }`
}

/** The date and the time of day, in the zone of the browser. */
export const dateTime = (millis: number): string => {
  const date = new Date(millis)
  return Number.isNaN(date.getTime()) ?
    String(millis) :
    `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${timeOfDay(millis)}`
}

/** A number with a separator at every thousand. */
export const count = (value: number): string => value.toLocaleString("en-US")

/** `1 event`, `2 events`. */
export const plural = (value: number, noun: string): string => `${count(value)} ${noun}${value === 1 ? "" : "s"}`

/** A duration in a suitable unit. */
export const duration = (millis: number): string => {
  if (millis < 1000) {
    return `${Math.round(millis)} ms`
  }
  const seconds = Math.round(millis / 1000)
  return seconds < 60 ?
    `${millis % 1000 === 0 ? seconds : (millis / 1000).toFixed(1)} s` :
    `${Math.floor(seconds / 60)} min${seconds % 60 === 0 ? "" : ` ${seconds % 60} s`}`
}

/** A number of bytes in a suitable unit. */
export const bytes = (value: number): string =>
  value < 1000 ?
    `${value} B` :
    value < 1_000_000 ?
    `${(value / 1000).toFixed(1)} kB` :
    `${(value / 1_000_000).toFixed(1)} MB`

/** A share between 0 and 1 as a percentage. */
export const percent = (share: number): string => `${Math.round(share * 100)} %`

/** A JSON value on one line. */
export const inline = (value: unknown): string => {
  const text = typeof value === "string" ? value : JSON.stringify(value)
  return text === undefined ? "nothing" : text
}

/** The beginning of a text, at most `length` characters. */
export const cut = (text: string, length: number): string => text.length > length ? `${text.slice(0, length)}…` : text

/** A JSON value as JSON on one line, at most `length` characters. */
export const brief = (value: unknown, length = 80): string =>
  cut(value === undefined ? "nothing" : JSON.stringify(value), length)
