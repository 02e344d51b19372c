/**
 * Extends a lease, if it still exists.
 *
 * - KEYS[1]: the shard
 * - ARGV: token, end of the lease in milliseconds from now
 * - answers nothing
 */
import { keys } from "./keys.js"

export const renew: string = `#!lua flags=allow-oom
${keys}
redis.call("ZADD", leases, "XX", now + tonumber(ARGV[2]), ARGV[1])
`
