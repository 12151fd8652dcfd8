-- Appends entries to the streams of the gateways that are subscribed to their topics.
--
-- KEYS 1 gateways (routes the call to the shard's slot; all keys below share its hash tag)
-- ARGV 1 this gateway, 2 longest stream, 3 subscribers prefix, 4 lease prefix, 5 stream prefix,
--      then a topic and an entry, again and again
-- Returns how many appends were made.
local me, longest = ARGV[1], ARGV[2]
local subscribers_prefix, lease_prefix, stream_prefix = ARGV[3], ARGV[4], ARGV[5]

local subscribers_of = {}
local lives = {}
local appends = 0

for i = 6, #ARGV, 2 do
  local topic = ARGV[i]
  local subscribers = subscribers_of[topic]
  if not subscribers then
    subscribers = redis.call('SMEMBERS', subscribers_prefix .. topic)
    subscribers_of[topic] = subscribers
  end
  for _, gateway in ipairs(subscribers) do
    if gateway ~= me then
      local alive = lives[gateway]
      if alive == nil then
        alive = redis.call('EXISTS', lease_prefix .. gateway) == 1
        lives[gateway] = alive
      end
      if alive then
        redis.call('XADD', stream_prefix .. gateway, 'MAXLEN', '~', longest, '*', 'e', ARGV[i + 1])
        appends = appends + 1
      else
        redis.call('SREM', subscribers_prefix .. topic, gateway)
      end
    end
  end
end
return appends
