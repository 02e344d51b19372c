/**
 * Removes events that have their outcome.
 *
 * - KEYS[1]: the shard
 * - ARGV: token; shard and shards for dead letters (0 shards: none are kept); reason, code and message of the drop; then the
 *   entries
 * - answers the places, from 0, of those that the lease did not hold any more
 */
import { back } from "./back.js"
import { bury } from "./bury.js"
import { keys } from "./keys.js"

export const acknowledge: string = `#!lua flags=allow-oom
${keys}${back}${bury}
local token, shard, shards = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local ours, others, counts = split(token, 7)
if shards > 0 then
  for _, entry in ipairs(ours) do bury(shard, shards, entry, ARGV[4], ARGV[5], ARGV[6]) end
end
forgetAll(ours)
unlease(counts, {})
endIfEmpty(token)
if #ours > 0 then redis.call("INCR", v) end
return others
`
