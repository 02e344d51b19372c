/** Maps of bounded size: the oldest entry is pushed out first. */

/**
 * Where each map is oldest. A new iterator would walk over the entries that were deleted since the map last grew, again
 * and again.
 */
const oldestOf = new WeakMap<object, IterableIterator<unknown>>()

const oldest = <K, V>(map: Map<K, V>): K | undefined => {
  const held = oldestOf.get(map) as IterableIterator<K> | undefined
  const next = held?.next()
  if (next !== undefined && next.done !== true) {
    return next.value
  }
  const keys = map.keys()
  oldestOf.set(map, keys)
  return keys.next().value
}

/** Adds to a map. Answers the key that was pushed out because there are more than `limit`. */
export const put = <K, V>(map: Map<K, V>, key: K, value: V, limit: number): K | undefined => {
  map.set(key, value)
  if (map.size <= limit) {
    return undefined
  }
  const pushedOut = oldest(map)
  if (pushedOut !== undefined) {
    map.delete(pushedOut)
  }
  return pushedOut
}

/** The value of a key, which is made when there is none. */
export const getOrPut = <K, V>(map: Map<K, V>, key: K, make: () => V, limit: number): V => {
  const found = map.get(key)
  if (found !== undefined) {
    return found
  }
  const made = make()
  put(map, key, made, limit)
  return made
}
