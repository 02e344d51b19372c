/**
 * Extends a lease, if it still exists.
 *
 * - KEYS[1]: the shard
 * - ARGV: token, end of the lease in milliseconds from now
 * - answers 1, or 0 if the lease does not exist
 */
import { keys } from "./keys.js"

export const renew: string = `#!lua flags=allow-oom
${keys}
if not redis.call("ZSCORE", leases, ARGV[1]) then return 0 end
redis.call("ZADD", leases, now + tonumber(ARGV[2]), ARGV[1])
return 1
`
