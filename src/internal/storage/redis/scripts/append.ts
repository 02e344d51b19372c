/**
 * Appends the events of several calls, one call after the other.
 *
 * - KEYS[1]: the shard
 * - ARGV: shard and shards for dead letters (0 shards: none are kept); the calls, as JSON; then the JSON of each of their events.
 *   A call is one array: its capacity, `refuse` or `evictOldest`, its client, and for each event its sequence, its entry without
 *   the position, and its state, which is empty for a new event.
 * - answers for each call 0 if it was refused, or else the entry, state and JSON of each event that was dropped for it
 *
 * Events that are stored already stay as they are: a client can send a call again if it had no answer.
 */
import { bury } from "./bury.js"
import { drop } from "./drop.js"
import { find } from "./find.js"
import { keys } from "./keys.js"
import { push } from "./push.js"

export const append: string = `#!lua
${keys}${find}${push}${bury}${drop}
local letter, calls = letterOf(ARGV[1], ARGV[2]), cjson.decode(ARGV[3])
local answers, at = {}, 3
for _, call in ipairs(calls) do
  for index = 4, #call, 3 do ask(call[3], call[index]) end
end
learn()
for _, call in ipairs(calls) do
  local capacity, whenFull, client = call[1], call[2], call[3]
  local hasRoom = size + (#call - 3) / 3 <= capacity
  local isRefused = whenFull == "refuse" and not hasRoom and not isStored(client, call[4], call[5])
  for index = 4, #call, 3 do
    at = at + 1
    if not isRefused then push(client, call[index], call[index + 1], call[index + 2], ARGV[at]) end
  end
  local dropped = {}
  if whenFull ~= "refuse" and size > capacity then
    write()
    size = drop(capacity, "oldest", dropped, letter, math.huge)
  end
  answers[#answers + 1] = isRefused and 0 or dropped
end
write()
return answers
`
