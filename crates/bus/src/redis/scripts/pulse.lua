-- Renews (or takes) the lease, removes dead gateways, and sends a probe through this gateway's stream.
--
-- KEYS 1 lease, 2 stream, 3 epoch, 4 gateways
-- ARGV 1 this gateway, 2 fence of this connection, 3 value of the lease that was confirmed last ('': none),
--      4 lease time to live (ms), 5 a part that makes a new epoch unlike all others, 6 known epoch ('': none),
--      7 lease prefix, 8 stream prefix, 9 longest stream, 10 nonce of the probe,
--      11 '1' when this gateway dropped entries that it should have published
--      12 value of a lease that is taken: fence, dot, a part that makes it unlike all others
--      13 how long an entry is kept (ms)
-- Returns: state ('held', 'new' or 'stale'), epoch, id of the probe, value of the lease, the number of live gateways.
local me, fence, longest = ARGV[1], tonumber(ARGV[2]), ARGV[9]

-- A command of an abandoned connection may run late, after those of the connection that replaced it.
local holder = redis.call('GET', KEYS[1]) or ''
local holder_fence = tonumber(string.match(holder, '^%d+') or '0')
if holder_fence > fence then
  return {'stale', '', '', '', 0}
end

-- An epoch lasts as long as one process serves this data. Another process, after a failover, a restart or a move of the
-- slot, may lack any of the last acknowledged writes: entries, subscriptions, leases, each alone. No count can tell what is
-- missing, so all gateways start over. The epoch begins with the process's id; the rest distinguishes two periods of one
-- process.
local process = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') or ''
local epoch = redis.call('GET', KEYS[3])
if not epoch or string.sub(epoch, 1, #process) ~= process then
  epoch = process .. '.' .. ARGV[5]
  redis.call('SET', KEYS[3], epoch)
end
local is_other_epoch = ARGV[6] ~= '' and ARGV[6] ~= epoch

local state, value = 'held', ARGV[12]
if holder == '' or holder ~= ARGV[3] or is_other_epoch then
  -- Nobody knows whether the subscriptions and the stream are complete: start over.
  state = 'new'
  redis.call('UNLINK', KEYS[2])
elseif holder_fence == fence then
  value = holder
end
redis.call('SET', KEYS[1], value, 'PX', ARGV[4])
redis.call('SADD', KEYS[4], me)

local live, dead = {}, {}
for _, gateway in ipairs(redis.call('SMEMBERS', KEYS[4])) do
  local alive = gateway == me or redis.call('EXISTS', ARGV[7] .. gateway) == 1
  table.insert(alive and live or dead, gateway)
end
for _, gateway in ipairs(dead) do
  redis.call('SREM', KEYS[4], gateway)
  redis.call('UNLINK', ARGV[8] .. gateway)
  for _, peer in ipairs(live) do
    redis.call('XADD', ARGV[8] .. peer, 'MAXLEN', '~', longest, '*', 'g', gateway)
  end
end
-- The last entries that this gateway published in the epoch before may have been acknowledged and lost after the others had
-- looked for what they miss: a master that was replaced goes on until it hears of its replacement.
if ARGV[11] == '1' or is_other_epoch then
  for _, peer in ipairs(live) do
    if peer ~= me then
      redis.call('XADD', ARGV[8] .. peer, 'MAXLEN', '~', longest, '*', 'd', me)
    end
  end
end

-- The probe carries how many entries were appended to this stream, itself included. A reader that counts fewer has lost
-- some.
local added = 0
if redis.call('EXISTS', KEYS[2]) == 1 then
  local info = redis.call('XINFO', 'STREAM', KEYS[2])
  for i = 1, #info, 2 do
    if info[i] == 'entries-added' then
      added = info[i + 1]
    end
  end
end
local id = redis.call('XADD', KEYS[2], 'MAXLEN', '~', longest, '*', 'p', ARGV[10], 'n', added + 1)
-- What was read is not needed any more, and may hold the text of a message that was deleted since. What was not read for so
-- long is lost: the reader finds by the probe that it counts fewer.
local now = string.match(id, '^%d+')
redis.call('XTRIM', KEYS[2], 'MINID', string.format('%.0f', math.max(0, tonumber(now) - tonumber(ARGV[13]))))
return {state, epoch, id, value, #live}
