/**
 * Appends the events of several calls, one call after the other.
 *
 * - KEYS[1]: the shard
 * - ARGV: shard and shards for dead letters (0 shards: none are kept); then for each call its capacity, `refuse` or
 *   `evictOldest`, its client and the number of its events, and for each event its sequence, lane, state (empty where it is
 *   new) and JSON
 * - answers for each call 0 where it was refused, or else what was dropped for it: lane, state and event of each
 *
 * Events that are stored already are left as they are: a client can send a call again whose answer was lost.
 */
import { bury } from "./bury.js"
import { drop } from "./drop.js"
import { keys } from "./keys.js"
import { push } from "./push.js"

export const append: string = `#!lua
${keys}${push}${bury}${drop}
local letter = letterOf(ARGV[1], ARGV[2])
local answers, at = {}, 3
while at <= #ARGV do
  local capacity, whenFull, client, count = tonumber(ARGV[at]), ARGV[at + 1], ARGV[at + 2], tonumber(ARGV[at + 3])
  at = at + 4
  local hasRoom = redis.call("HLEN", e) + count <= capacity
  if whenFull == "refuse" and not hasRoom and not isStored(client, tonumber(ARGV[at]), ARGV[at + 1]) then
    table.insert(answers, 0)
  else
    for index = at, at + 4 * (count - 1), 4 do
      push(client, tonumber(ARGV[index]), ARGV[index + 1], ARGV[index + 2], ARGV[index + 3])
    end
    local dropped = {}
    if whenFull ~= "refuse" then drop(capacity, "oldest", dropped, letter) end
    table.insert(answers, dropped)
  end
  at = at + 4 * count
end
redis.call("SET", n, text(last))
return answers
`
