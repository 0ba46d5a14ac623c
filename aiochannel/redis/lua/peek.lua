#!lua flags=allow-oom,no-writes
-- limit: chunks that wait, the next one first, with at least so many items if there are.
--#prelude
local reply, items, i = {1}, 0, 0
while items < tonumber(ARGV[1]) do
  local chunk = call('LINDEX', q, i)
  if not chunk then break end
  local _, k = header(chunk)
  reply[#reply + 1] = chunk
  items, i = items + k, i + 1
end
return reply
