/**
 * Runs the commands of the other scripts without an effect, so that it fails if one of them is not allowed. A script that is
 * stopped by such a command has executed the commands before it.
 *
 * - KEYS[1]: the shard
 * - ARGV: none
 * - answers 1, or an error that names the command
 */
import { keys } from "./keys.js"

export const probe: string = `#!lua flags=allow-oom
${keys}
local probe, commands = base .. ":probe", { { "LLEN", q }, { "SCARD", busy }, { "INCRBY", n, 0 }, { "INCRBY", v, 0 } }
for _, key in ipairs({ e, r, d }) do commands[#commands + 1] = { "HLEN", key } end
for _, key in ipairs({ heads, ready, pause, leases, dead }) do commands[#commands + 1] = { "ZCARD", key } end
for _, command in ipairs({
  { "DEL" }, { "SET", 1 }, { "GET" }, { "INCR" }, { "DEL" },
  { "HSET", 1, 1 }, { "HGET", 1 }, { "HMGET", 1 }, { "HGETALL" }, { "HDEL", 1 },
  { "SADD", 1 }, { "SISMEMBER", 1 }, { "SMISMEMBER", 1 }, { "SMEMBERS" }, { "SREM", 1 },
  { "RPUSH", 1 }, { "LPUSH", 1 }, { "LINDEX", 0 }, { "LRANGE", 0, -1 }, { "LTRIM", 0, 0 }, { "LREM", 1, 1 }, { "LPOP" }, { "RPOP" },
  { "ZADD", 1, 1 }, { "ZSCORE", 1 }, { "ZMSCORE", 1 }, { "ZCOUNT", 1, 1 },
  { "ZRANGE", 0, -1 }, { "ZREVRANGE", 0, -1 }, { "ZRANGEBYSCORE", 1, 1 }, { "ZREM", 1 }
}) do
  table.insert(command, 2, probe)
  commands[#commands + 1] = command
end
for _, command in ipairs(commands) do
  local answer = redis.pcall(unpack(command))
  if type(answer) == "table" and answer.err then
    redis.pcall("DEL", probe)
    return redis.error_reply(answer.err .. " (" .. command[1] .. ")")
  end
end
return 1
`
