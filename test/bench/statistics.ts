export const median = (numbers: ReadonlyArray<number>): number => {
  if (numbers.length === 0) return NaN
  const sorted = [...numbers].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** The smallest number that at least a `share` of them does not exceed. */
export const percentile = (numbers: ReadonlyArray<number>, share: number): number =>
  [...numbers].sort((a, b) => a - b)[Math.max(0, Math.ceil(share * numbers.length) - 1)] ?? NaN
