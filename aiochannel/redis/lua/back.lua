#!lua flags=allow-oom
-- r hub epoch count reason delay how spec: let items leave h. how 0: those of spec, {{c, {place...}}...}, at the head or
-- dead or later; 1: all, and the lease, since the receiver leaves; 2: none, it only waits no more (spec c:want).
--#prelude
local r, hub, epoch, count, reason, delay, how, spec = unpack(ARGV)
local lease = r .. ':' .. hub .. ':' .. epoch
if not call('ZSCORE', l, lease) then return {0} end
if how == '2' then
  call('ZREM', w, r .. ':' .. spec .. ':' .. hub)
  return {1}
end
local elements = {}
if how == '1' then
  unwait({[r] = true})
  call('ZREM', l, lease)
  remove_all(r, elements)
else
  for _, one in ipairs(cmsgpack.unpack(spec)) do remove(r * SPAN + one[1], 0, one[2], elements) end
end
give_back(elements, count == '1', reason, tonumber(delay))
settle()
return {1}
