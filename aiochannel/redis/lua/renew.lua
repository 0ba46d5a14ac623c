#!lua flags=allow-oom
-- hub:epoch 0: a new receiver. Else hub:epoch then r or r:c:want of each receiver: renew leases, and look after others.
--#prelude
local who = ARGV[1]
local hub = match(who, '^[^:]+')
local now = time()
local fields = call('HMGET', m, 'lease', 't', 'swept')
local lease, last, swept = tonumber(fields[1]), tonumber(fields[2]), fields[3] or '0 0'
if ARGV[2] == '0' then
  if drained then return {-2, cause} end
  local r = call('HINCRBY', m, 'rc', 1)
  call('ZADD', l, now + lease, r .. ':' .. who)
  return {1, r}
end

-- Nobody has renewed for a whole lease: that was an outage, no receiver's crash.
if now - last > lease then
  for _, entry in ipairs(call('ZRANGE', l, 0, -1)) do call('ZADD', l, 'XX', now + lease, entry) end
end
call('HSET', m, 't', now)
local lost, waits = {}, {}
for i = 2, #ARGV do
  local r = match(ARGV[i], '^%d+')
  local entry = r .. ':' .. who
  if call('ZSCORE', l, entry) then call('ZADD', l, now + lease, entry) else lost[#lost + 1] = tonumber(r) end
  if r ~= ARGV[i] and call('ZSCORE', w, ARGV[i] .. ':' .. hub) then waits[#waits + 1] = tonumber(r) end
end

-- A receiver's items come back in one go: it may be alive, and must not find a part of them.
local reaped, items = 0, 0
for _, entry in ipairs(call('ZRANGEBYSCORE', l, '-inf', now, 'LIMIT', 0, 16)) do
  local r = match(entry, '^%d+')
  local elements = {}
  call('ZREM', l, entry)
  unwait({[r] = true})
  remove_all(r, elements)
  give_back(elements, true, 'its receiver crashed, or stalled for longer than its lease', 0)
  settle()
  reaped, items = reaped + 1, items + #elements
  if items >= 512 then break end
end

local due = call('ZRANGEBYSCORE', z, '-inf', now, 'LIMIT', 0, 512)
for _, one in ipairs(due) do call('ZREM', z, one) end
restore(due, 'LPUSH')

-- Once a day senders that have not put for a week are forgotten, about 100 in each call.
local today = math.floor(now / 86400000)
local day, cursor = match(swept, '^(%d+) (%d+)$')
if not drained and (tonumber(day) < today) then
  local page = call('HSCAN', s, cursor, 'COUNT', 100)
  for i = 1, #page[2], 2 do
    local stored, known, put = match(page[2][i + 1], '^(%d+) (%d+) %d+ (%d+)')
    if stored == known and put + 7 < today then call('HDEL', s, page[2][i]) end
  end
  if page[1] == '0' then day = today end
  call('HSET', m, 'swept', day .. ' ' .. page[1])
end
return {1, reaped, lost, waits}
