/**
 * Counts events, leased ones included.
 *
 * - KEYS[1]: the shard
 * - ARGV: none for all events; or a client and a sequence, for those of the client up to that one
 * - answers how many
 */
import { keys } from "./keys.js"

export const count: string = `#!lua flags=no-writes
${keys}
if #ARGV == 0 then return redis.call("HLEN", e) end
local client, upTo, found = ARGV[1], tonumber(ARGV[2]), 0
for _, block in ipairs(redis.call("SMEMBERS", base .. ":c:" .. client)) do
  local first, key = block * 512, base .. ":s:" .. block .. ":" .. client
  if first + 511 <= upTo then
    found = found + redis.call("SCARD", key)
  elseif first <= upTo then
    for _, offset in ipairs(redis.call("SMEMBERS", key)) do
      if first + offset <= upTo then found = found + 1 end
    end
  end
end
return found
`
