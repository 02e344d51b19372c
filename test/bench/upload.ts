import { makeEvent } from "./event.js"

/** The body of an upload as a client sends it. */
export const uploadOf = (upload: number, events: number): string =>
  JSON.stringify({
    api_key: "0123456789abcdef",
    events: Array.from({ length: events }, (_, index) => ({
      ...makeEvent(upload * events + index),
      time: 1_795_860_000_000 + index,
      insert_id: `bbbbbbbb-0000-4000-8000-${String(upload * events + index).padStart(12, "0")}`,
      library: "effect-amplitude/0.1.0"
    }))
  })
