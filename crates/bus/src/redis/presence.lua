-- Carries out changes of presence, gives up what is due, and tells the listening gateways, all in one.
--
-- KEYS 1 lease, 2 held, 3 holders, 4 leaving
-- ARGV 1 confirmed value of the lease, 2 this gateway, 3 grace (ms), 4 grace of a dead gateway's users (ms),
--      5 most pairs that are moved, and most that are given up, by one call, 6 longest inbox,
--      7 listeners prefix, 8 lease prefix, 9 inbox prefix, 10 present prefix, 11 held prefix,
--      then kind, topic, user and card of a change, again and again; kinds:
--      '+' has come, '-' has gone, '=' was there before the data was lost, '~' had just gone before it was lost
-- Returns the milliseconds until there is more to do, or -1 when that is not the lease; nothing was changed then.
--
-- A topic's hash holds for each user the gateways that have sockets of it, each before a space, then '|' and the card.
-- A pair is 'topic user'. A user without a gateway is in `leaving`.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return -1
end
local held, holders, leaving = KEYS[2], KEYS[3], KEYS[4]
local me, grace, dead_grace, bound, longest = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local listeners_prefix, lease_prefix, inbox_prefix, present_prefix, held_prefix =
  ARGV[7], ARGV[8], ARGV[9], ARGV[10], ARGV[11]

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- Whether a listener is to be told: not where its lease has ended, nor where it does not take part (presence is off
-- there, or it is of a version that does not know these entries).
local standing_of = {}
local function standing(gateway)
  if not standing_of[gateway] then
    local is_alive = redis.call('EXISTS', lease_prefix .. gateway) == 1
    local takes_part = redis.call('ZSCORE', holders, gateway)
    standing_of[gateway] = not is_alive and 'dead' or takes_part and 'told' or 'apart'
  end
  return standing_of[gateway]
end

-- The gateways and the card of a user in a topic; nothing where the user is not there.
local function look_up(topic, user)
  local value = redis.call('HGET', present_prefix .. topic, user)
  if not value then
    return nil
  end
  local bar = string.find(value, '|', 1, true)
  return string.sub(value, 1, bar - 1), string.sub(value, bar + 1)
end

local function store(topic, user, gateways, card)
  redis.call('HSET', present_prefix .. topic, user, gateways .. '|' .. card)
end

-- Takes a gateway off a pair; whom no gateway has, the grace begins for.
local function release(gateway, topic, user, grace_ms)
  local gateways, card = look_up(topic, user)
  if not gateways then
    return
  end
  local from, to = string.find(gateways, gateway .. ' ', 1, true)
  if from then
    gateways = string.sub(gateways, 1, from - 1) .. string.sub(gateways, to + 1)
    store(topic, user, gateways, card)
    if gateways == '' then
      redis.call('ZADD', leaving, now + grace_ms, topic .. ' ' .. user)
    end
  end
end

-- What there is to tell: topic, user, '+' or '-', card, again and again.
local news = {}
local function tell(topic, user, sign, card)
  local at = #news
  news[at + 1], news[at + 2], news[at + 3], news[at + 4] = topic, user, sign, card
end

for i = 12, #ARGV, 4 do
  local kind, topic, user, card = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local pair = topic .. ' ' .. user
  if kind == '+' or kind == '=' then
    local gateways = look_up(topic, user)
    if not gateways then
      store(topic, user, me .. ' ', card)
      if kind == '+' then
        tell(topic, user, '+', card)
      end
    else
      if gateways == '' then
        redis.call('ZREM', leaving, pair)
      end
      if not string.find(gateways, me .. ' ', 1, true) then
        gateways = gateways .. me .. ' '
      end
      store(topic, user, gateways, card)
    end
    redis.call('SADD', held, pair)
  else
    redis.call('SREM', held, pair)
    if kind == '~' and not look_up(topic, user) then
      store(topic, user, me .. ' ', card)
    end
    release(me, topic, user, grace)
  end
end

-- When each holder's lease ends. One that has ended is a death, which is found by whoever comes first.
redis.call('ZADD', holders, now + redis.call('PTTL', KEYS[1]), me)
local moved = 0
for _, gateway in ipairs(redis.call('ZRANGEBYSCORE', holders, '-inf', now)) do
  local ttl = redis.call('PTTL', lease_prefix .. gateway)
  if ttl > 0 then
    redis.call('ZADD', holders, now + ttl, gateway)
  elseif moved < bound then
    local pairs_held = redis.call('SPOP', held_prefix .. gateway, bound - moved)
    for _, pair in ipairs(pairs_held) do
      local topic, user = string.match(pair, '^(%S+) (%S+)$')
      release(gateway, topic, user, dead_grace)
    end
    moved = moved + #pairs_held
    if redis.call('EXISTS', held_prefix .. gateway) == 0 then
      redis.call('ZREM', holders, gateway)
    end
  end
end

for _, pair in ipairs(redis.call('ZRANGEBYSCORE', leaving, '-inf', now, 'LIMIT', 0, bound)) do
  redis.call('ZREM', leaving, pair)
  local topic, user = string.match(pair, '^(%S+) (%S+)$')
  local gateways, card = look_up(topic, user)
  if gateways == '' then
    redis.call('HDEL', present_prefix .. topic, user)
    tell(topic, user, '-', card)
  end
end

-- One entry for each gateway that listens to any of the topics.
local audience_of, count_of, entries = {}, {}, {}
for i = 1, #news, 4 do
  local topic = news[i]
  if not audience_of[topic] then
    local audience = {}
    for _, gateway in ipairs(redis.call('SMEMBERS', listeners_prefix .. topic)) do
      local its_standing = standing(gateway)
      if its_standing == 'told' then
        table.insert(audience, gateway)
      elseif its_standing == 'dead' then
        redis.call('SREM', listeners_prefix .. topic, gateway)
      end
    end
    audience_of[topic] = audience
    count_of[topic] = string.format('%d', redis.call('HLEN', present_prefix .. topic))
  end
  for _, gateway in ipairs(audience_of[topic]) do
    local entry = entries[gateway]
    if not entry then
      entry = {'XADD', inbox_prefix .. gateway, 'MAXLEN', '~', longest, '*', 'c', ''}
      entries[gateway] = entry
    end
    local at = #entry
    entry[at + 1], entry[at + 2] = topic, news[i + 1]
    entry[at + 3], entry[at + 4] = news[i + 2] .. count_of[topic], news[i + 3]
  end
end
for _, entry in pairs(entries) do
  redis.call(unpack(entry))
end

-- The next lease that ends unless it is renewed, or the next pair that is due.
local soonest = math.huge
for _, key in ipairs({holders, leaving}) do
  local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  if first[2] then
    soonest = math.min(soonest, tonumber(first[2]))
  end
end
return math.max(0, soonest - now)
