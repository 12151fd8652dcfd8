-- Removes what a gateway has in Redis, once its subscriptions are unregistered. The last gateway removes the epoch too.
--
-- KEYS 1 lease, 2 stream, 3 epoch, 4 gateways, 5 pairs, 6 pair owners, 7 leaving
-- ARGV 1 confirmed value of the lease, 2 this gateway, 3 present prefix, 4 how many pairs it looks at, at most
-- Returns 1, or 0 when the lease has another value; nothing was changed then.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('UNLINK', KEYS[1], KEYS[2])
redis.call('SREM', KEYS[4], ARGV[2])
-- The pairs that the gateway could not release itself are released by others, as those of a dead gateway: its lease has
-- ended.
if redis.call('EXISTS', KEYS[5]) == 1 then
  redis.call('ZADD', KEYS[6], 0, ARGV[2])
else
  redis.call('ZREM', KEYS[6], ARGV[2])
end
if redis.call('EXISTS', KEYS[4]) == 0 then
  redis.call('DEL', KEYS[3])
  -- No gateway is left to notify of the departures. The next gateway removes the pairs beyond the bound.
  local pairs_leaving = redis.call('ZRANGE', KEYS[7], 0, tonumber(ARGV[4]) - 1)
  for _, pair in ipairs(pairs_leaving) do
    local topic, user = string.match(pair, '^(%S+) (%S+)$')
    redis.call('HDEL', ARGV[3] .. topic, user)
    redis.call('ZREM', KEYS[7], pair)
  end
end
return 1
