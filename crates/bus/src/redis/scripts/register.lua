-- Subscribes and unsubscribes this gateway, if the lease still has the value that was confirmed.
--
-- KEYS 1 lease
-- ARGV 1 confirmed value of the lease, 2 this gateway, 3 subscribers prefix,
--      then topics, each after '+' (subscribe) or '-' (unsubscribe)
-- Returns 1, or 0 when the lease has another value; nothing was changed then.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
for i = 4, #ARGV do
  local command = string.byte(ARGV[i]) == 43 and 'SADD' or 'SREM' -- 43 is '+'
  redis.call(command, ARGV[3] .. string.sub(ARGV[i], 2), ARGV[2])
end
return 1
