/**
 * Appends dead letters as new events, and removes them.
 *
 * - KEYS[1]: the shard
 * - ARGV: the client of the new events; then the ids, in order
 * - answers how many existed
 */
import { find } from "./find.js"
import { keys } from "./keys.js"
import { push } from "./push.js"

export const sendAgain: string = `#!lua
${keys}${find}${push}
local count = 0
for index = 2, #ARGV do
  local id = ARGV[index]
  local letter = redis.call("HGET", d, id)
  if letter then
    count = count + 1
    local lane, reason, message, at = string.match(letter, "^%d+ %d+ %d+ (%d+) (%d+) (%d+) ()")
    local json = at + lane + reason + message
    local event = string.sub(letter, json)
    local ending = endingOf(ARGV[1], tonumber(id), string.sub(letter, at, at + lane - 1))
    push(ARGV[1], tonumber(id), string.format("%08d", #event) .. ending, "", event)
    redis.call("HDEL", d, id)
    redis.call("ZREM", dead, id)
  end
end
write()
return count
`
