#!lua
-- items (sender and number, as they are in an item), or nothing for all: store dead letters as new, while there is room.
--#prelude
if closed then return {1, 0} end
local chosen = {}
for _, id in ipairs(ARGV) do chosen[id] = true end
local i, revived = 0, {}
while #revived < 512 and (max == 0 or n + #revived < max) do
  local dead = call('LINDEX', d, i)
  if not dead then break end
  local body, next = element(dead, 2)
  if #ARGV == 0 or chosen[sub(dead, body + 1, body + 20)] then
    call('LSET', d, i, '')
    call('LREM', d, 1, '')
    revived[#revived + 1] = sub(dead, 2, body - 1) .. '\1' .. sub(dead, body + 1, next - 1)
  else
    i = i + 1
  end
end
if #revived > 0 then
  call('HINCRBY', m, 'in', #revived)
  restore(revived, 'RPUSH')
end
return {1, #revived}
