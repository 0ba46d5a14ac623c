#!lua flags=allow-oom
-- r hub c want bytes again acks epoch: acknowledge, then give the receiver chunks, numbered from c, or let it wait.
--#prelude
local r, hub, c, want = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local bytes, again, acks, epoch = tonumber(ARGV[5]), ARGV[6], ARGV[7], ARGV[8]
if not call('ZSCORE', l, r .. ':' .. hub .. ':' .. epoch) then return {-5} end
if acks ~= '' then
  local left = 0
  for _, ack in ipairs(cmsgpack.unpack(acks)) do
    local score = r * SPAN + ack[1]
    if ack[3] then
      left = left + remove(score, ack[2], ack[3], {})
    else -- all of a chunk that is whole: a repeat does not find it
      left = left + call('ZREMRANGEBYSCORE', h, score, score) * ack[2]
    end
  end
  if left > 0 then
    n = n - left
    call('HINCRBY', m, 'out', left)
    settle()
  end
end
if want == 0 then return {1, puts_wait()} end
if again == '1' then
  unwait({[r] = true})
  local held = call('ZRANGEBYSCORE', h, r * SPAN + c, r * SPAN + SPAN - 1)
  if held[1] then return extend({1, puts_wait()}, held) end
end

local reply, got = {1, 0}, 0
while got < want do
  local chunk = call('LPOP', q)
  if not chunk then break end
  local kind, k, _, at = header(chunk)
  if kind == 'r' and got > 0 then
    call('LPUSH', q, chunk)
    break
  end
  local fits = math.min(k, want - got)
  if #chunk > bytes then
    local body, next, room, some = 0, at, bytes, 0
    repeat
      body, next = element(chunk, next)
      room = room - (next - body) -- an element of k has one after it, or ends the chunk
      if room >= 0 then some = some + 1 end
    until room < 0 or some == fits
    fits = math.max(some, got == 0 and 1 or 0)
  end
  if fits == 0 then
    call('LPUSH', q, chunk)
    break
  end
  if fits < k then
    local rest
    chunk, rest = split(chunk, fits)
    call('LPUSH', q, rest)
  end
  call('ZADD', h, r * SPAN + c, chunk)
  c = c + 1
  got = got + fits
  bytes = bytes - #chunk
  reply[#reply + 1] = chunk
  if kind == 'r' or fits < k then break end
end
if got > 0 then
  reply[2] = puts_wait()
  return reply
end
if drained then return {-2, cause} end
call('ZADD', w, call('HINCRBY', m, 'wt', 1), r .. ':' .. format('%.0f', c) .. ':' .. format('%.0f', want) .. ':' .. hub)
return {0}
