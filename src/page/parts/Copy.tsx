/** Copies texts to the clipboard. */
import type { ComponentChildren, JSX } from "preact"
import { notify } from "../state.js"

/** The clipboard exists on a secure origin only. Elsewhere the browser copies the selection. */
const write = async (text: string): Promise<void> => {
  if (navigator.clipboard !== undefined) {
    return navigator.clipboard.writeText(text)
  }
  const area = document.createElement("textarea")
  area.value = text
  area.className = "visually-hidden"
  document.body.append(area)
  area.select()
  const done = document.execCommand("copy")
  area.remove()
  if (!done) {
    throw new Error("The browser does not copy.")
  }
}

export const copy = (text: string, what: string): void => {
  write(text).then(
    () => notify(`Copied ${what}`),
    () => notify("The browser did not let the page copy.")
  )
}

export const CopyButton = (
  { children, text, what }: {
    readonly children: ComponentChildren
    readonly text: () => string
    /** The name of the copied text, for the message. */
    readonly what: string
  }
): JSX.Element => (
  <button type="button" class="button" onClick={() => copy(text(), what)}>
    {children}
  </button>
)
