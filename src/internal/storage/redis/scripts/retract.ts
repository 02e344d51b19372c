/**
 * Removes events whose append failed for its caller, and that are stored and not leased.
 *
 * - KEYS[1]: the shard
 * - ARGV: client, sequence and lane of each
 * - answers nothing
 */
import { find } from "./find.js"
import { keys } from "./keys.js"

export const retract: string = `#!lua flags=allow-oom
${keys}${find}
for index = 1, #ARGV, 3 do
  local client, sequence, lane = ARGV[index], tonumber(ARGV[index + 1]), ARGV[index + 2]
  local key, offset = noteOf(client, sequence)
  local ending = endingOf(client, sequence, lane)
  if redis.call("SISMEMBER", key, offset) == 1 and not isLeased(ending) then
    for _, list in ipairs({ parked(lane), q }) do
      local entry = findIn(list, ending)
      if entry then
        redis.call("LREM", list, -1, entry)
        forgetAll({ entry })
        placeAgain({ lane })
        break
      end
    end
  end
end
redis.call("INCR", v)
`
