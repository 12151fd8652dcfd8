-- The users in a topic, as presence.lua stores them.
--
-- KEYS 1 the topic's hash of users
-- ARGV 1 limit
-- Returns the count, and, where it is not above the limit, user and profile, again and again.
local count = redis.call('HLEN', KEYS[1])
local users = {}
if count <= tonumber(ARGV[1]) then
  users = redis.call('HGETALL', KEYS[1])
  for i = 2, #users, 2 do
    users[i] = string.sub(users[i], string.find(users[i], '|', 1, true) + 1)
  end
end
return {count, users}
