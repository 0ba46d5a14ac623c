#!lua flags=allow-oom
-- max tries lease format version, or nothing: make the channel unless it is there; reply with what is there.
local m = KEYS[1]
local made = 0
if ARGV[1] and redis.call('EXISTS', m) == 0 then
  local now = redis.call('TIME')
  now = now[1] * 1000 + math.floor(now[2] / 1000)
  redis.call('HSET', m, 'v', ARGV[5], 'max', ARGV[1], 'tries', ARGV[2], 'lease', ARGV[3], 'format', ARGV[4],
    'made', now, 't', now, 'in', 0, 'out', 0, 'rc', 0, 'wt', 0, 'redelivered', 0)
  made = 1
end
local state = redis.call('HMGET', m, 'max', 'tries', 'lease', 'format', 'v', 'closed', 'cause', 'drained')
if not state[1] then return {-3} end
for i = 1, 8 do state[i] = state[i] or '' end
return {1, made, unpack(state)}
