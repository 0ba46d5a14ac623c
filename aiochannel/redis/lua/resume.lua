#!lua flags=allow-oom
-- hub epoch from count, then r and c of so many receivers, then senders: this connection takes the place of those of the
-- epochs since `from`; whatever they still have on their way is refused. Reply with what was missed.
--#prelude
local hub, epoch, from, count = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local reply = {1, closed and 1 or 0, cause, drained and 1 or 0, {}, {}}
local now = time()
local lease = tonumber(call('HGET', m, 'lease'))
local mine = {}
for i = 1, count do
  local r, c = ARGV[3 + 2 * i], ARGV[4 + 2 * i]
  for old = epoch, from, -1 do
    local entry = r .. ':' .. hub .. ':'
    if call('ZSCORE', l, entry .. old) then
      call('ZADD', l, now + lease, entry .. epoch)
      if old < epoch then call('ZREM', l, entry .. old) end
      mine[r] = true
      break
    end
  end
  if mine[r] then
    reply[5][i] = extend({1}, call('ZRANGEBYSCORE', h, r * SPAN + c, r * SPAN + SPAN - 1))
  else
    reply[5][i] = {0}
  end
end
unwait(mine)
for i = 5 + 2 * count, #ARGV do
  local stored, known, current, gaps, day = sender_state(ARGV[i])
  if current < epoch and not drained then
    if current == 0 and known == 0 then day = format('%.0f', math.floor(now / 86400000)) end
    set_sender(ARGV[i], stored, known, epoch, day, gaps)
  end
  table.insert(reply[6], {stored, known})
end
return reply
