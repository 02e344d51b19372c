/**
 * Runs the commands of the other scripts without an effect, so that it fails if one of them is not allowed.
 *
 * - KEYS[1]: the shard
 * - ARGV: none
 * - answers 1
 */
import { keys } from "./keys.js"

export const probe: string = `#!lua flags=allow-oom
${keys}
for _, key in ipairs({ e, r, d }) do redis.call("HLEN", key) end
for _, key in ipairs({ heads, ready, pause, leases, dead }) do redis.call("ZCARD", key) end
redis.call("LLEN", q)
redis.call("SCARD", busy)
redis.call("INCRBY", n, 0)
redis.call("INCRBY", v, 0)
return 1
`
