#!lua flags=allow-oom
-- items (sender and number, as they are in an item), or nothing for all: remove dead letters.
--#prelude
local dropped = 0
if #ARGV == 0 then
  dropped = call('LLEN', d)
  call('DEL', d)
end
local chosen = {}
for _, id in ipairs(ARGV) do chosen[id] = true end
local i = 0
while next(chosen) do
  local dead = call('LINDEX', d, i)
  if not dead then break end
  local body = element(dead, 2)
  local id = sub(dead, body + 1, body + 20)
  if chosen[id] then
    chosen[id] = nil
    call('LSET', d, i, '')
    call('LREM', d, 1, '')
    dropped = dropped + 1
  else
    i = i + 1
  end
end
return {1, dropped}
