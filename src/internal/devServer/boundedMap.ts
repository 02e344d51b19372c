/** Functions for maps of bounded size, which drop their oldest entry. */

/**
 * An iterator at the oldest entry of each map. A new iterator would have to skip all entries that were deleted since
 * the map last grew.
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

/** Adds an entry. The result is the key that was dropped because the map had more than `limit` entries. */
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

/** The value of a key. A missing value is made and added. */
export const getOrPut = <K, V>(map: Map<K, V>, key: K, make: () => V, limit: number): V => {
  const found = map.get(key)
  if (found !== undefined) {
    return found
  }
  const made = make()
  put(map, key, made, limit)
  return made
}
