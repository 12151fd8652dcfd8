-- Removes what a gateway leaves behind, once its topics are unregistered. The last one takes the epoch along.
--
-- KEYS 1 lease, 2 inbox, 3 epoch, 4 gateways, 5 held, 6 holders, 7 leaving
-- ARGV 1 confirmed value of the lease, 2 this gateway, 3 present prefix, 4 most pairs that are looked at
-- Returns 1, or 0 when that is not the lease; nothing was changed then.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('UNLINK', KEYS[1], KEYS[2])
redis.call('SREM', KEYS[4], ARGV[2])
-- Pairs that it could not take off itself others do, as those of a dead gateway: its lease has ended.
if redis.call('EXISTS', KEYS[5]) == 1 then
  redis.call('ZADD', KEYS[6], 0, ARGV[2])
else
  redis.call('ZREM', KEYS[6], ARGV[2])
end
if redis.call('EXISTS', KEYS[4]) == 0 then
  redis.call('DEL', KEYS[3])
  -- Nobody is left who could be told who has gone. What is beyond the bound the next gateway gives up.
  local pairs_leaving = redis.call('ZRANGE', KEYS[7], 0, tonumber(ARGV[4]) - 1)
  for _, pair in ipairs(pairs_leaving) do
    local topic, user = string.match(pair, '^(%S+) (%S+)$')
    redis.call('HDEL', ARGV[3] .. topic, user)
    redis.call('ZREM', KEYS[7], pair)
  end
end
return 1
