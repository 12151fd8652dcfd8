-- Removes what a gateway leaves behind, once its topics are unregistered. The last one takes the epoch along.
--
-- KEYS 1 lease, 2 inbox, 3 epoch, 4 gateways
-- ARGV 1 confirmed value of the lease, 2 this gateway
-- Returns 1, or 0 when that is not the lease; nothing was changed then.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('UNLINK', KEYS[1], KEYS[2])
redis.call('SREM', KEYS[4], ARGV[2])
if redis.call('EXISTS', KEYS[4]) == 0 then
  redis.call('DEL', KEYS[3])
end
return 1
