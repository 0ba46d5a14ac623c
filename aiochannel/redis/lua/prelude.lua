local call, sub, byte, match, format = redis.call, string.sub, string.byte, string.match, string.format
local m, q, p, h, w, l, s, z, d = unpack(KEYS)
local SPAN = 268435456 -- so many chunks a receiver; a held chunk's score is its receiver's number times this, plus its own
local HOLE = '\196\0'
local WEEK = 604800
local FLIGHT, BYTES = 256, 65536 -- the items, and the bytes, of the largest chunk

local state = call('HMGET', m, 'max', 'closed', 'cause', 'drained', 'in', 'out')
if not state[1] then return {-3} end
local max, closed, cause, drained = tonumber(state[1]), state[2], state[3] or '', state[4]
local n = state[5] - state[6] -- stored: waiting, held and delayed

-- The parts of a chunk: its kind, how many elements it has, how many have left from its front, where the first begins.
local function header(chunk)
  local kind, k, base, at = match(chunk, '^(.)(%d+) (%d+) ()')
  return kind, tonumber(k), tonumber(base), at
end

-- Where the item of the element at `at` begins, and where the next element begins. A hole has no item.
local function element(chunk, at)
  local size, a, b, c, e = byte(chunk, at, at + 4)
  if size == 196 then return at + 2, at + 2 + a end
  if size == 197 then return at + 3, at + 3 + a * 256 + b end
  return at + 5, at + 5 + ((a * 256 + b) * 256 + c) * 256 + e
end

-- The first k elements of a chunk without holes, and the others.
local function split(chunk, k)
  local kind, all, _, at = header(chunk)
  local stop = at
  for _ = 1, k do
    local _, next = element(chunk, stop)
    stop = next
  end
  return kind .. k .. ' 0 ' .. sub(chunk, at, stop - 1), kind .. (all - k) .. ' 0 ' .. sub(chunk, stop)
end

-- The number of the first item of a chunk without holes.
local function first_number(chunk)
  local _, _, _, at = header(chunk)
  return struct.unpack('>I6', chunk, (element(chunk, at)) + 15)
end

local function time()
  local now = call('TIME')
  return now[1] * 1000 + math.floor(now[2] / 1000)
end

local function puts_wait()
  return call('EXISTS', p)
end

-- Tell all hubs what is so for ever.
local function event(what)
  call('SPUBLISH', m .. ':e', what .. ' ' .. cause)
end

local function extend(list, more)
  for _, one in ipairs(more) do list[#list + 1] = one end
  return list
end

-- Give a chunk to the receivers that wait, in their order; what is left waits, at the end of q that `side` names.
local function deliver(chunk, k, side)
  while true do
    local entry = call('ZPOPMIN', w)[1]
    if not entry then break end
    local r, c, want, hub = match(entry, '^(%d+):(%d+):(%d+):(.+)$')
    local part, rest = chunk, nil
    want = tonumber(want)
    if k > want then part, rest = split(chunk, want) end
    local push = 'i ' .. r .. ' ' .. c .. ' ' .. puts_wait() .. ' ' .. part
    if call('SPUBLISH', m .. ':n:' .. hub, push) > 0 then
      call('ZADD', h, r * SPAN + c, part)
      if not rest then return end
      chunk, k = rest, k - want
    end -- else nobody is there: the next receiver
  end
  call(side, q, chunk)
end

-- What is known of a sender: the numbers of its last item that is stored, and that is stored or waits; its connection.
local function sender_state(sender)
  local value = call('HGET', s, sender)
  if not value then return 0, 0, 0, '', '0' end
  local stored, known, epoch, day, gaps = match(value, '^(%d+) (%d+) (%d+) (%d+)(.*)$')
  return tonumber(stored), tonumber(known), tonumber(epoch), gaps, day
end

local function set_sender(sender, stored, known, epoch, day, gaps)
  call('HSET', s, sender, format('%.0f %.0f %.0f %s%s', stored, known, epoch, day, gaps))
end

-- After items have left: let puts that wait go ahead, or end the channel.
local function settle()
  if closed then
    if n == 0 and not drained then
      drained = '1'
      call('HSET', m, 'drained', 1)
      call('DEL', w)
      for i = 1, 9 do call('EXPIRE', KEYS[i], WEEK) end
      event('drained')
    end
    return
  end
  while n < max do
    local put = call('LPOP', p)
    if not put then return end
    local sender, last, chunk = sub(put, 1, 14), struct.unpack('>I6', put, 15), sub(put, 21)
    local _, k = header(chunk)
    if k > max - n then
      local rest
      k = max - n
      chunk, rest = split(chunk, k)
      call('LPUSH', p, sub(put, 1, 20) .. rest)
      last = first_number(rest) - 1
    end
    n = n + k
    call('HINCRBY', m, 'in', k)
    deliver(chunk, k, 'RPUSH')
    local _, known, epoch, gaps, day = sender_state(sender)
    set_sender(sender, last, known, epoch, day, gaps)
    call('SPUBLISH', m .. ':n:' .. sub(sender, 1, 10), 'a ' .. sender .. ' ' .. format('%.0f', last))
  end
end

-- A receiver waits no more.
local function unwait(receivers)
  for _, entry in ipairs(call('ZRANGE', w, 0, -1)) do
    if receivers[match(entry, '^%d+')] then call('ZREM', w, entry) end
  end
end

-- Append to `gone` the elements of a held chunk that are before `upto` or at one of the places; return how many.
local function remove(score, upto, places, gone)
  local chunk = call('ZRANGEBYSCORE', h, score, score)[1]
  if not chunk then return 0 end
  local _, k, base, at = header(chunk)
  local chosen, rest, from, live, left = {}, {}, 1, 0, 0
  for _, place in ipairs(places) do chosen[place] = true end
  for i = 1, k do
    local body, next = element(chunk, at)
    rest[i] = HOLE
    if next > body then
      local place = base + i - 1
      if place < upto or chosen[place] then
        gone[#gone + 1] = sub(chunk, at, next - 1)
        left = left + 1
      else
        rest[i] = sub(chunk, at, next - 1)
        live = live + 1
      end
    end
    if live == 0 then from = i + 1 end
    at = next
  end
  if left == 0 then return 0 end
  call('ZREMRANGEBYSCORE', h, score, score)
  if live > 0 then
    call('ZADD', h, score, 'x' .. (k - from + 1) .. ' ' .. (base + from - 1) .. ' ' .. table.concat(rest, '', from))
  end
  return left
end

-- Append to `elements` all that a receiver holds, which it then does not hold any more.
local function remove_all(r, elements)
  local low, high = r * SPAN, r * SPAN + SPAN - 1
  for _, chunk in ipairs(call('ZRANGEBYSCORE', h, low, high)) do
    local _, k, _, at = header(chunk)
    for _ = 1, k do
      local body, next = element(chunk, at)
      if next > body then elements[#elements + 1] = sub(chunk, at, next - 1) end
      at = next
    end
  end
  call('ZREMRANGEBYSCORE', h, low, high)
end

-- Let elements wait, in their order, at the head (LPUSH) or behind all (RPUSH): new ones together, each that was tried
-- alone. Then serve the receivers that wait.
local function restore(elements, side)
  local chunks, run, bytes = {}, {}, 0
  local function flush()
    if #run > 0 then chunks[#chunks + 1] = '1' .. #run .. ' 0 ' .. table.concat(run) end
    run, bytes = {}, 0
  end
  for _, one in ipairs(elements) do
    if byte(one, (element(one, 1))) > 1 then
      flush()
      chunks[#chunks + 1] = 'r1 0 ' .. one
    else
      if #run == FLIGHT or bytes + #one > BYTES then flush() end
      run[#run + 1], bytes = one, bytes + #one
    end
  end
  flush()
  for i = 1, #chunks do call(side, q, chunks[side == 'LPUSH' and #chunks + 1 - i or i]) end
  while call('EXISTS', w) > 0 do
    local chunk = call('LPOP', q)
    if not chunk then return end
    local _, k = header(chunk)
    deliver(chunk, k, 'LPUSH')
  end
end

-- Give elements back that have left h: with `count` as tried once more, or dead; with a delay (ms) later.
local function give_back(elements, count, reason, delay)
  local kept, dead = {}, 0
  local tries = tonumber(call('HGET', m, 'tries'))
  local now = (count or delay > 0) and time()
  for _, one in ipairs(elements) do
    local body = element(one, 1)
    local attempt = byte(one, body)
    if count and attempt >= tries then
      call('RPUSH', d, '\147' .. one .. cmsgpack.pack(reason) .. cmsgpack.pack(now))
      dead = dead + 1
    else
      if count then one = sub(one, 1, body - 1) .. string.char(attempt + 1) .. sub(one, body + 1) end
      kept[#kept + 1] = one
    end
  end
  if dead > 0 then
    call('HINCRBY', m, 'out', dead)
    n = n - dead
  end
  if count and #kept > 0 then call('HINCRBY', m, 'redelivered', #kept) end
  if delay > 0 then
    for i, one in ipairs(kept) do call('ZADD', z, now + delay + i / 1024, one) end -- each after the one before
  else
    restore(kept, 'LPUSH')
  end
end
