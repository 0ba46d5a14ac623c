#!lua flags=allow-oom
-- sender epoch forget: a sender leaves; what it has waiting for room never will be stored. It is forgotten if nothing of
-- it can arrive any more.
--#prelude
local sender, forget = ARGV[1], ARGV[3]
local stored, known, epoch, _, day = sender_state(sender)
if epoch > tonumber(ARGV[2]) then return {-6} end
local i = stored < known and not closed and 0 or call('LLEN', p)
while true do
  local put = call('LINDEX', p, i)
  if not put then break end
  if sub(put, 1, 14) == sender then
    call('LSET', p, i, '')
    call('LREM', p, 1, '')
  else
    i = i + 1
  end
end
if forget == '1' then
  call('HDEL', s, sender)
elseif known > 0 and not drained then
  set_sender(sender, known, known, epoch, day, '')
end
return {1}
