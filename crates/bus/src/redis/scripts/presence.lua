-- Changes which users are present, removes the pairs whose grace has ended, and notifies the subscribed gateways, all in one.
--
-- KEYS 1 lease, 2 pairs, 3 pair owners, 4 leaving
-- ARGV 1 confirmed value of the lease, 2 this gateway, 3 grace (ms), 4 grace of a dead gateway's users (ms),
--      5 how many pairs one call releases from dead gateways at most, and how many it removes at most, 6 longest stream,
--      7 subscribers prefix, 8 lease prefix, 9 stream prefix, 10 present prefix, 11 pairs prefix,
--      then kind, topic, user and profile of a change, again and again; kinds:
--      '+' entered, '-' left, '=' was there before the data was lost, '~' had just left before it was lost
-- Returns the milliseconds until there is more to do, or -1 when the lease has another value; nothing was changed then.
--
-- A topic's hash has for each user the gateways that have sockets of the user, each before a space, then '|' and the profile.
-- A pair is 'topic user'. A pair without a gateway is in `leaving`.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return -1
end
local my_pairs, pair_owners, leaving = KEYS[2], KEYS[3], KEYS[4]
local me, grace, dead_grace, bound, longest = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local subscribers_prefix, lease_prefix, stream_prefix, present_prefix, pairs_prefix =
  ARGV[7], ARGV[8], ARGV[9], ARGV[10], ARGV[11]

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- Whether a subscriber is notified: not when its lease has ended, nor when it takes no part in presence (presence is off
-- there, or its version does not know these entries).
local state_of = {}
local function state(gateway)
  if not state_of[gateway] then
    local is_alive = redis.call('EXISTS', lease_prefix .. gateway) == 1
    local takes_part = redis.call('ZSCORE', pair_owners, gateway)
    state_of[gateway] = not is_alive and 'dead' or takes_part and 'notified' or 'excluded'
  end
  return state_of[gateway]
end

-- The gateways and the profile of a user in a topic; nothing when the user is not there.
local function look_up(topic, user)
  local value = redis.call('HGET', present_prefix .. topic, user)
  if not value then
    return nil
  end
  local bar = string.find(value, '|', 1, true)
  return string.sub(value, 1, bar - 1), string.sub(value, bar + 1)
end

local function store(topic, user, gateways, profile)
  redis.call('HSET', present_prefix .. topic, user, gateways .. '|' .. profile)
end

-- Takes a gateway off a pair. Once no gateway has the pair, its grace begins.
local function release(gateway, topic, user, grace_ms)
  local gateways, profile = look_up(topic, user)
  if not gateways then
    return
  end
  local from, to = string.find(gateways, gateway .. ' ', 1, true)
  if from then
    gateways = string.sub(gateways, 1, from - 1) .. string.sub(gateways, to + 1)
    store(topic, user, gateways, profile)
    if gateways == '' then
      redis.call('ZADD', leaving, now + grace_ms, topic .. ' ' .. user)
    end
  end
end

-- The notifications: topic, user, '+' or '-', profile, again and again.
local notifications = {}
local function notify(topic, user, sign, profile)
  local at = #notifications
  notifications[at + 1], notifications[at + 2] = topic, user
  notifications[at + 3], notifications[at + 4] = sign, profile
end

for i = 12, #ARGV, 4 do
  local kind, topic, user, profile = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local pair = topic .. ' ' .. user
  if kind == '+' or kind == '=' then
    local gateways = look_up(topic, user)
    if not gateways then
      store(topic, user, me .. ' ', profile)
      if kind == '+' then
        notify(topic, user, '+', profile)
      end
    else
      if gateways == '' then
        redis.call('ZREM', leaving, pair)
      end
      if not string.find(gateways, me .. ' ', 1, true) then
        gateways = gateways .. me .. ' '
      end
      store(topic, user, gateways, profile)
    end
    redis.call('SADD', my_pairs, pair)
  else
    redis.call('SREM', my_pairs, pair)
    if kind == '~' and not look_up(topic, user) then
      store(topic, user, me .. ' ', profile)
    end
    release(me, topic, user, grace)
  end
end

-- When the lease of each owner ends. A lease that has ended is a death; the first call after it finds it.
redis.call('ZADD', pair_owners, now + redis.call('PTTL', KEYS[1]), me)
local released = 0
for _, gateway in ipairs(redis.call('ZRANGEBYSCORE', pair_owners, '-inf', now)) do
  local ttl = redis.call('PTTL', lease_prefix .. gateway)
  if ttl > 0 then
    redis.call('ZADD', pair_owners, now + ttl, gateway)
  elseif released < bound then
    local owned = redis.call('SPOP', pairs_prefix .. gateway, bound - released)
    for _, pair in ipairs(owned) do
      local topic, user = string.match(pair, '^(%S+) (%S+)$')
      release(gateway, topic, user, dead_grace)
    end
    released = released + #owned
    if redis.call('EXISTS', pairs_prefix .. gateway) == 0 then
      redis.call('ZREM', pair_owners, gateway)
    end
  end
end

for _, pair in ipairs(redis.call('ZRANGEBYSCORE', leaving, '-inf', now, 'LIMIT', 0, bound)) do
  redis.call('ZREM', leaving, pair)
  local topic, user = string.match(pair, '^(%S+) (%S+)$')
  local gateways, profile = look_up(topic, user)
  if gateways == '' then
    redis.call('HDEL', present_prefix .. topic, user)
    notify(topic, user, '-', profile)
  end
end

-- One entry for each gateway that is subscribed to any of the topics.
local audience_of, count_of, entries = {}, {}, {}
for i = 1, #notifications, 4 do
  local topic = notifications[i]
  if not audience_of[topic] then
    local audience = {}
    for _, gateway in ipairs(redis.call('SMEMBERS', subscribers_prefix .. topic)) do
      local its_state = state(gateway)
      if its_state == 'notified' then
        table.insert(audience, gateway)
      elseif its_state == 'dead' then
        redis.call('SREM', subscribers_prefix .. topic, gateway)
      end
    end
    audience_of[topic] = audience
    count_of[topic] = string.format('%d', redis.call('HLEN', present_prefix .. topic))
  end
  for _, gateway in ipairs(audience_of[topic]) do
    local entry = entries[gateway]
    if not entry then
      entry = {'XADD', stream_prefix .. gateway, 'MAXLEN', '~', longest, '*', 'c', ''}
      entries[gateway] = entry
    end
    local at = #entry
    entry[at + 1], entry[at + 2] = topic, notifications[i + 1]
    entry[at + 3], entry[at + 4] = notifications[i + 2] .. count_of[topic], notifications[i + 3]
  end
end
for _, entry in pairs(entries) do
  redis.call(unpack(entry))
end

-- The end of the next lease, unless it is renewed, or of the next grace.
local soonest = math.huge
for _, key in ipairs({pair_owners, leaving}) do
  local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  if first[2] then
    soonest = math.min(soonest, tonumber(first[2]))
  end
end
return math.max(0, soonest - now)
