#!lua flags=allow-oom
-- cause: close, and remove what waits or is delayed; reply with how many items these were.
--#prelude
if not closed then
  closed, cause = '1', ARGV[1]
  call('HSET', m, 'closed', 1, 'cause', cause)
  call('DEL', p)
  event('closed')
end
local removed = call('ZCARD', z)
while true do
  local chunks = call('LPOP', q, 100)
  if not chunks then break end
  for _, chunk in ipairs(chunks) do
    local _, k = header(chunk)
    removed = removed + k
  end
end
call('DEL', z)
if removed > 0 then
  call('HINCRBY', m, 'out', removed)
  n = n - removed
end
settle()
return {1, removed}
