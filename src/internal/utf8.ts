/** How many bytes a text takes on the wire, without making them. */

/** No UTF-16 unit takes more than three bytes: a bound that costs nothing, for texts far from a limit. */
export const maxBytesPerUnit = 3

export const byteLength = (text: string): number => {
  let bytes = text.length
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    if (unit < 0x80) continue
    // half of a surrogate pair: each of its two units stands for two of the four bytes
    bytes += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2
  }
  return bytes
}
