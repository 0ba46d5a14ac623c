#!lua flags=allow-oom,no-writes
-- Count what is there.
--#prelude
local function count(key, read, skip)
  local items, from = 0, 0
  while true do
    local page = call(read, key, from, from + 99)
    for _, chunk in ipairs(page) do
      local kind, k, _, at = header(sub(chunk, skip))
      if kind == 'x' then
        for _ = 1, k do
          local body, next = element(chunk, at)
          if next > body then items = items + 1 end
          at = next
        end
      else
        items = items + k
      end
    end
    if #page < 100 then return items end
    from = from + 100
  end
end
local held, delayed = count(h, 'ZRANGE', 1), call('ZCARD', z)
local redelivered = call('HGET', m, 'redelivered')
return {
  1, n, n - held - delayed, held, delayed, call('LLEN', d), count(p, 'LRANGE', 21), call('ZCARD', w), call('ZCARD', l),
  tonumber(state[5]), tonumber(state[6]), tonumber(redelivered), closed and 1 or 0, drained and 1 or 0, cause,
}
