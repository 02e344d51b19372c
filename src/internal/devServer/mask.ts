/** Hides API keys in what is shown. */

/** An API key as it is shown: its first four characters. */
export const mask = (apiKey: string): string => apiKey.slice(0, 4)

/** The values of `api_key` in JSON and in forms, also in a body that cannot be parsed. */
const values = String.raw`(?<="api_key"\s*:\s*")[^"\\]+(?:\\.[^"\\]*)*|(?<=(?:^|&)api_key=)[^&]+`

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&")

/** The most characters of a key that is also found where it is no value of `api_key`. */
const maxCharacters = 200

/** Splits a text at its API keys. The parts with odd indices are the keys. A key within a longer word is none. */
export const splitAtKeys = (text: string, apiKey: string): ReadonlyArray<string> =>
  text.split(
    new RegExp(
      apiKey === "" || apiKey.length > maxCharacters
        ? `(${values})`
        : String.raw`(${values}|(?<![\w-])${escaped(apiKey)}(?![\w-]))`
    )
  )

/** A text with its API keys masked. */
export const masked = (text: string, apiKey: string): string =>
  splitAtKeys(text, apiKey)
    .map((part, index) => index % 2 === 0 || mask(part) === part ? part : `${mask(part)}…`)
    .join("")
