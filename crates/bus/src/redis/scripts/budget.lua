-- Takes from a budget: a bucket of the generic cell rate algorithm, whose one number is the time at which it is full again.
--
-- KEYS 1 the budget
-- ARGV 1 interval: the time after which one more is there (us, with a fraction), 2 burst, 3 least, 4 most
-- Returns how many were taken, and, where none, after how long there are so many (us).
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local least, most = tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])

-- More than a burst is there when the bucket is full, which then owes the rest.
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
local wait = full_at + least * interval - now - math.max(burst, least) * interval
if wait > 0 then
  return {0, math.ceil(wait)}
end
-- A millionth more than there is: the sums are of fractions.
local there = math.floor(burst - (full_at - now) / interval + 0.000001)
local taken = math.max(least, math.min(there, most))
full_at = full_at + taken * interval
redis.call('SET', KEYS[1], string.format('%.3f', full_at), 'PX', math.ceil((full_at - now) / 1000) + 1)
return {taken, 0}
