#!lua
-- sender first count chunk epoch day: store items that are numbered from `first`; what finds no room waits.
--#prelude
local sender, first, count, chunk = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local epoch, day = tonumber(ARGV[5]), ARGV[6]
local stored, known, current, gaps = sender_state(sender)
if current > epoch then return {-6} end
if first > known + 1 then return {-4, stored, known} end
if closed then return {-1, stored, cause} end
local skip = known + 1 - first
if skip >= count then return {1, stored} end -- a repeat
if skip > 0 then
  local _
  _, chunk = split(chunk, skip)
  count = count - skip
end
-- What was withdrawn is remembered while its flight may be asked for again.
if stored == known and skip == 0 then gaps = '' end
local room = count
if max > 0 then room = math.min(count, max - n) end
local upto = known + room
known = known + count
if room < count then
  local rest = chunk
  if room > 0 then chunk, rest = split(chunk, room) end
  call('RPUSH', p, sender .. struct.pack('>I6', known) .. rest)
end
if room > 0 then
  n = n + room
  call('HINCRBY', m, 'in', room)
  deliver(chunk, room, 'RPUSH')
  stored = upto
end
set_sender(sender, stored, known, epoch, day, gaps)
return {1, stored}
