/** Styles texts with colours on a terminal. */

export type Colour = "red" | "green" | "yellow" | "cyan" | "dim" | "bold"

const codes: { readonly [C in Colour]: number } = { red: 31, green: 32, yellow: 33, cyan: 36, dim: 2, bold: 1 }

/** Whether a stream takes colours. A non-empty `NO_COLOR` switches them off (no-color.org). */
export const hasColour = (stream: { readonly isTTY?: boolean | undefined }): boolean =>
  stream.isTTY === true && !process.env["NO_COLOR"] && process.env["TERM"] !== "dumb"

const painter = (stream: { readonly isTTY?: boolean | undefined }) => (colour: Colour, text: string): string =>
  hasColour(stream) ? `\u001b[${codes[colour]}m${text}\u001b[0m` : text

export const onStdout: (colour: Colour, text: string) => string = painter(process.stdout)

export const onStderr: (colour: Colour, text: string) => string = painter(process.stderr)
