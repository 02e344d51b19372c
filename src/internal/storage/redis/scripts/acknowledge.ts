/**
 * Removes events that have their outcome.
 *
 * - KEYS[1]: the shard
 * - ARGV: token; shard and shards for dead letters (0 shards: none are kept); reason, code and message of the drop; then the
 *   position, client and sequence of each event, all in one array of JSON
 * - answers the positions that the lease still held
 */
import { back } from "./back.js"
import { bury } from "./bury.js"
import { keys } from "./keys.js"

export const acknowledge: string = `#!lua flags=allow-oom
${keys}${back}${bury}
local token, shard, shards, events = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), cjson.decode(ARGV[7])
local positions, ours, gone, counts = {}, {}, {}, {}
for index = 1, #events, 3 do table.insert(positions, events[index]) end
for place, lane in ipairs(answersOf("HMGET", held(token), positions)) do
  if lane then
    local position = positions[place]
    table.insert(ours, position)
    for index = 3 * place - 2, 3 * place do table.insert(gone, events[index]) end
    counts[lane] = (counts[lane] or 0) + 1
    if shards > 0 then bury(shard, shards, position, lane, ARGV[4], ARGV[5], ARGV[6]) end
  end
end
onMany("HDEL", held(token), ours)
forgetAll(gone)
unlease(counts, {})
endIfEmpty(token)
if #ours > 0 then redis.call("INCR", v) end
return ours
`
