/**
 * Removes events whose append failed for its caller, and that are stored and not leased.
 *
 * - KEYS[1]: the shard
 * - ARGV: client, sequence and lane of each
 * - answers nothing
 */
import { keys } from "./keys.js"

export const retract: string = `#!lua flags=allow-oom
${keys}
for index = 1, #ARGV, 3 do
  local client, sequence, lane = ARGV[index], tonumber(ARGV[index + 1]), ARGV[index + 2]
  local position = find(client, sequence, lane)
  if position then
    redis.call("LREM", queue(lane), -1, position)
    forgetAll({ position, client, sequence })
    placeAgain({ lane })
  end
end
redis.call("INCR", v)
`
