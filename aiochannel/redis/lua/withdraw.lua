#!lua flags=allow-oom
-- sender number epoch: take an item out of the puts that wait. 1: it never will be stored; 0: it is.
--#prelude
local sender, number, epoch = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local stored, known, current, gaps, day = sender_state(sender)
if current > epoch then return {-6} end
if string.find(gaps .. ' ', ' ' .. ARGV[2] .. ' ', 1, true) then return {1} end
if number <= stored then return {0} end
if closed or number > known then return {1} end
local i, found, last, earlier = -1, nil, nil, false
repeat
  i = i + 1
  found = call('LINDEX', p, i)
  local own = found and sub(found, 1, 14) == sender
  last = own and struct.unpack('>I6', found, 15)
  earlier = earlier or (own and last < number)
until not found or (own and last >= number)
if not found then return {1} end
local chunk = sub(found, 21)
local kind, k, _, at = header(chunk)
local rest = {}
for _ = 1, k do
  local body, next = element(chunk, at)
  if struct.unpack('>I6', chunk, body + 15) ~= number then rest[#rest + 1] = sub(chunk, at, next - 1) end
  at = next
end
if #rest > 0 then
  call('LSET', p, i, sub(found, 1, 20) .. kind .. #rest .. ' 0 ' .. table.concat(rest))
else
  if not earlier then stored = last end
  call('LSET', p, i, '')
  call('LREM', p, 1, '')
end
set_sender(sender, stored, known, epoch, day, gaps .. ' ' .. ARGV[2])
return {1}
