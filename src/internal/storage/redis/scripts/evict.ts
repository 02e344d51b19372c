/**
 * Drops events that are not leased.
 *
 * - KEYS[1]: the shard
 * - ARGV: shard and shards for dead letters (0 shards: none are kept), how many events stay, `oldest` or `newest`, the most
 *   events to drop
 * - answers the entry, state and JSON of each dropped event
 */
import { bury } from "./bury.js"
import { drop } from "./drop.js"
import { keys } from "./keys.js"

export const evict: string = `#!lua flags=allow-oom
${keys}${bury}${drop}
local dropped = {}
drop(tonumber(ARGV[3]), ARGV[4], dropped, letterOf(ARGV[1], ARGV[2]), tonumber(ARGV[5]))
return dropped
`
