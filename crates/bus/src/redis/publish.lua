-- Appends entries to the inboxes of the gateways that listen to their topics.
--
-- KEYS 1 gateways (routes the call to the shard's slot; all keys below share its hash tag)
-- ARGV 1 this gateway, 2 longest inbox, 3 listeners prefix, 4 lease prefix, 5 inbox prefix,
--      then a topic and an entry, again and again
-- Returns how many appends were made.
local me, longest = ARGV[1], ARGV[2]
local listeners_prefix, lease_prefix, inbox_prefix = ARGV[3], ARGV[4], ARGV[5]

local members_of = {}
local lives = {}
local appends = 0

for i = 6, #ARGV, 2 do
  local topic = ARGV[i]
  local members = members_of[topic]
  if not members then
    members = redis.call('SMEMBERS', listeners_prefix .. topic)
    members_of[topic] = members
  end
  for _, gateway in ipairs(members) do
    if gateway ~= me then
      local alive = lives[gateway]
      if alive == nil then
        alive = redis.call('EXISTS', lease_prefix .. gateway) == 1
        lives[gateway] = alive
      end
      if alive then
        redis.call('XADD', inbox_prefix .. gateway, 'MAXLEN', '~', longest, '*', 'e', ARGV[i + 1])
        appends = appends + 1
      else
        redis.call('SREM', listeners_prefix .. topic, gateway)
      end
    end
  end
end
return appends
