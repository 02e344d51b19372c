/**
 * Appends the events of several calls, one call after the other.
 *
 * - KEYS[1]: the shard
 * - ARGV: shard and shards for dead letters (0 shards: none are kept); the calls, as JSON; then the JSON of all their events,
 *   without anything between. A call is its capacity, `refuse` or `evictOldest`, its client, and for each event its sequence,
 *   lane, state (empty where it is new) and length in bytes, all in one array.
 * - answers for each call 0 where it was refused, or else what was dropped for it: entry, state and JSON of each
 *
 * Events that are stored already are left as they are: a client can send a call again whose answer was lost.
 */
import { bury } from "./bury.js"
import { drop } from "./drop.js"
import { find } from "./find.js"
import { keys } from "./keys.js"
import { push } from "./push.js"

export const append: string = `#!lua
${keys}${find}${push}${bury}${drop}
local letter, calls, events = letterOf(ARGV[1], ARGV[2]), cjson.decode(ARGV[3]), ARGV[4]
local answers, all, at = {}, {}, 1
for _, call in ipairs(calls) do
  for index = 4, #call, 4 do
    all[#all + 1] = call[3]
    all[#all + 1] = call[index]
  end
end
learn(all)
for _, call in ipairs(calls) do
  local capacity, whenFull, client = call[1], call[2], call[3]
  local hasRoom = size + (#call - 3) / 4 <= capacity
  local isRefused = whenFull == "refuse" and not hasRoom and not isStored(client, call[4], call[5])
  for index = 4, #call, 4 do
    local start = at
    at = at + call[index + 3]
    if not isRefused then
      push(client, call[index], call[index + 1], call[index + 2], string.sub(events, start, at - 1))
    end
  end
  local dropped = {}
  if whenFull ~= "refuse" and size > capacity then
    write()
    size = drop(capacity, "oldest", dropped, letter)
  end
  answers[#answers + 1] = isRefused and 0 or dropped
end
write()
return answers
`
