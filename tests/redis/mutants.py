"""Faults in scripts, each of which the checks or the state machine must notice: a text of a script is another text.

A mutant is a script (`prelude` is part of all), what stands there once, and what stands there instead.
"""

from contextlib import ExitStack, closing
from typing import NamedTuple

from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from typing_extensions import override

from aiochannel.redis.scripts import NAMES, Script, load, read
from tests.redis.checks import CHECKS
from tests.redis.client import Client
from tests.redis.machine import COMMON, ScriptMachine
from tests.redis.subject import Subject
from tests.servers import Server


class Mutant(NamedTuple):
    script: str
    old: str
    new: str

    @override
    def __str__(self) -> str:
        return f"{self.script}: {self.old.strip()!r} -> {self.new.strip()!r}"


MUTANTS = [
    # chunks
    Mutant("prelude", "if size == 197 then", "if size == 198 then"),
    Mutant("prelude", "at + 3 + a * 256 + b end", "at + 3 + b end"),
    Mutant("prelude", "((a * 256 + b) * 256 + c) * 256 + e", "(b * 256 + c) * 256"),
    Mutant("prelude", "(all - k) .. ' 0 '", "all .. ' 0 '"),
    # deliver
    Mutant("prelude", "if k > want then part, rest", "if k > want + 1 then part, rest"),
    Mutant(
        "prelude", "call('SPUBLISH', m .. ':n:' .. hub, push) > 0", "call('SPUBLISH', m .. ':n:' .. hub, push) >= 0"
    ),
    Mutant("prelude", "      call('ZADD', h, r * SPAN + c, part)\n", ""),
    Mutant("prelude", "if not rest then return end\n      chunk", "if true then return end\n      chunk"),
    Mutant("prelude", "chunk, k = rest, k - want", "chunk, k = chunk, k"),
    Mutant("prelude", "' ' .. puts_wait() .. ' ' .. part", "' 0 ' .. part"),
    # settle
    Mutant("prelude", "if n == 0 and not drained then", "if not drained then"),
    Mutant("prelude", "if n == 0 and not drained then", "if n == 0 then"),
    Mutant("prelude", "      call('DEL', w)\n", ""),
    Mutant("prelude", "for i = 1, 9 do", "for i = 1, 8 do"),
    Mutant("prelude", "      event('drained')\n", ""),
    Mutant("prelude", "while n < max do", "while n <= max do"),
    Mutant("prelude", "while n < max do", "if n < max then"),
    Mutant("prelude", "if k > max - n then", "if k > max - n + 1 then"),
    Mutant("prelude", "last = first_number(rest) - 1", "last = last"),
    Mutant("prelude", "call('LPUSH', p, sub(put, 1, 20) .. rest)", "call('RPUSH', p, sub(put, 1, 20) .. rest)"),
    Mutant("prelude", "    call('HINCRBY', m, 'in', k)\n", ""),
    Mutant("prelude", "deliver(chunk, k, 'RPUSH')\n    local _", "deliver(chunk, k, 'LPUSH')\n    local _"),
    Mutant("prelude", "set_sender(sender, last, known", "set_sender(sender, known, known"),
    Mutant("prelude", "format('%.0f %.0f %.0f %s%s'", "format('%.14g %.14g %.0f %s%s'"),
    # leaving h
    Mutant("prelude", "if place < upto or chosen[place] then", "if place <= upto or chosen[place] then"),
    Mutant("prelude", "if place < upto or chosen[place] then", "if place < upto then"),
    Mutant("prelude", "local place = base + i - 1", "local place = i - 1"),
    Mutant("prelude", "' ' .. (base + from - 1) .. ' '", "' ' .. base .. ' '"),
    Mutant("prelude", "  if live > 0 then\n    call('ZADD', h", "  if true then\n    call('ZADD', h"),
    Mutant("prelude", "  call('ZREMRANGEBYSCORE', h, low, high)\n", ""),
    Mutant("prelude", "if next > body then elements[#elements + 1]", "if true then elements[#elements + 1]"),
    # coming back
    Mutant("prelude", "if byte(one, (element(one, 1))) > 1 then", "if byte(one, (element(one, 1))) > 2 then"),
    Mutant("prelude", "      flush()\n      chunks[#chunks + 1] = 'r1", "      chunks[#chunks + 1] = 'r1"),
    Mutant("prelude", "'r1 0 ' .. one", "'11 0 ' .. one"),
    Mutant("prelude", "if #run == FLIGHT or", "if #run == 2 * FLIGHT or"),
    Mutant("prelude", "or bytes + #one > BYTES then", "or bytes > BYTES then"),
    Mutant("prelude", "side == 'LPUSH' and #chunks + 1 - i or i", "i"),
    Mutant("prelude", "side == 'LPUSH' and #chunks + 1 - i or i", "#chunks + 1 - i"),
    Mutant("prelude", "while call('EXISTS', w) > 0 do", "while false do"),
    Mutant("prelude", "deliver(chunk, k, 'LPUSH')", "deliver(chunk, k, 'RPUSH')"),
    Mutant("prelude", "if count and attempt >= tries then", "if count and attempt > tries then"),
    Mutant("prelude", "if count and attempt >= tries then", "if attempt >= tries then"),
    Mutant("prelude", "string.char(attempt + 1)", "string.char(2)"),
    Mutant("prelude", "    call('HINCRBY', m, 'out', dead)\n", ""),
    Mutant("prelude", "    n = n - dead\n", ""),
    Mutant("prelude", "if count and #kept > 0 then call('HINCRBY'", "if #kept > 0 then call('HINCRBY'"),
    Mutant("prelude", "now + delay + i / 1024", "now + delay"),
    Mutant("prelude", "if delay > 0 then", "if count and delay > 0 then"),
    Mutant("prelude", "if receivers[match(entry, '^%d+')] then", "if receivers[match(entry, '^%d')] then"),
    # put
    Mutant("put", "if current > epoch then return {-6} end\n", ""),
    Mutant("put", "if first > known + 1 then", "if first > known + 2 then"),
    Mutant("put", "if closed then return {-1, stored, cause} end\n", ""),
    Mutant("put", "local skip = known + 1 - first", "local skip = 0"),
    Mutant("put", "if stored == known and skip == 0 then gaps = '' end\n", "gaps = ''\n"),
    Mutant("put", "if stored == known and skip == 0 then gaps = '' end\n", ""),
    Mutant("put", "math.min(count, max - n)", "count"),
    Mutant("put", "local upto = known + room", "local upto = known + count"),
    Mutant("put", "struct.pack('>I6', known)", "struct.pack('>I6', upto)"),
    Mutant("put", "  call('HINCRBY', m, 'in', room)\n", ""),
    Mutant("put", "  stored = upto\n", ""),
    Mutant("put", "deliver(chunk, room, 'RPUSH')", "deliver(chunk, room, 'LPUSH')"),
    # take
    Mutant("take", "if not call('ZSCORE', l, r .. ':' .. hub .. ':' .. epoch) then return {-5} end\n", ""),
    Mutant("take", "call('ZREMRANGEBYSCORE', h, score, score) * ack[2]", "ack[2]"),
    Mutant("take", "    call('HINCRBY', m, 'out', left)\n", ""),
    Mutant("take", "    n = n - left\n", ""),
    Mutant("take", "    settle()\n", ""),
    Mutant("take", "  unwait({[r] = true})\n", ""),
    Mutant("take", "r * SPAN + c, r * SPAN + SPAN - 1)", "r * SPAN, r * SPAN + SPAN - 1)"),
    Mutant("take", "if held[1] then return", "if false then return"),
    Mutant("take", "if kind == 'r' and got > 0 then", "if false then"),
    Mutant("take", "math.min(k, want - got)", "math.min(k, want)"),
    Mutant("take", "if #chunk > bytes then", "if false then"),
    Mutant("take", "got == 0 and 1 or 0", "1"),
    Mutant("take", "got == 0 and 1 or 0", "0"),
    Mutant("take", "    call('LPUSH', q, rest)\n", "    call('RPUSH', q, rest)\n"),
    Mutant("take", "  bytes = bytes - #chunk\n", ""),
    Mutant("take", "if kind == 'r' or fits < k then break end", "if fits < k then break end"),
    Mutant("take", "  c = c + 1\n", ""),
    Mutant("take", "reply[2] = puts_wait()", "reply[2] = 0"),
    Mutant("take", "if drained then return {-2, cause} end\n", ""),
    Mutant("take", "call('HINCRBY', m, 'wt', 1)", "0"),
    # back
    Mutant("back", "if not call('ZSCORE', l, lease) then return {0} end\n", ""),
    Mutant("back", "  call('ZREM', w, r .. ':' .. spec .. ':' .. hub)\n", ""),
    Mutant("back", "  unwait({[r] = true})\n", ""),
    Mutant("back", "  call('ZREM', l, lease)\n", ""),
    Mutant("back", "settle()\n", ""),
    Mutant("back", "remove(r * SPAN + one[1], 0,", "remove(r * SPAN + one[1], 1,"),
    # renew
    Mutant("renew", "if drained then return {-2, cause} end\n", ""),
    Mutant("renew", "if now - last > lease then", "if false then"),
    Mutant("renew", "if now - last > lease then", "if true then"),
    Mutant("renew", "call('HSET', m, 't', now)\n", ""),
    Mutant("renew", "local fields =", "call('HSET', m, 't', now)\nlocal fields ="),
    Mutant("renew", "then call('ZADD', l, now + lease, entry) else", "then else"),
    Mutant("renew", "'LIMIT', 0, 16", "'LIMIT', 0, 17"),
    Mutant("renew", "  call('ZREM', l, entry)\n", ""),
    Mutant("renew", "  unwait({[r] = true})\n", ""),
    Mutant("renew", "give_back(elements, true,", "give_back(elements, false,"),
    Mutant("renew", "  settle()\n", ""),
    Mutant("renew", "if items >= 512 then break end", ""),
    Mutant("renew", "for _, one in ipairs(due) do call('ZREM', z, one) end\n", ""),
    Mutant("renew", "'-inf', now, 'LIMIT', 0, 512", "'-inf', '+inf', 'LIMIT', 0, 512"),
    Mutant("renew", "(tonumber(day) < today)", "true"),
    Mutant("renew", "if stored == known and put + 7 < today", "if put + 7 < today"),
    Mutant("renew", "put + 7 < today", "put + 7 <= today"),
    Mutant("renew", "day .. ' ' .. page[1]", "day .. ' 0'"),
    Mutant("renew", "and call('ZSCORE', w, ARGV[i] .. ':' .. hub) then", "then"),
    # resume
    Mutant("resume", "for old = epoch, from, -1 do", "for old = from, from do"),
    Mutant("resume", "if old < epoch then call('ZREM', l, entry .. old) end", ""),
    Mutant("resume", "call('ZADD', l, now + lease, entry .. epoch)", "call('ZADD', l, now, entry .. epoch)"),
    Mutant("resume", "r * SPAN + c, r * SPAN + SPAN - 1)", "r * SPAN, r * SPAN + SPAN - 1)"),
    Mutant("resume", "unwait(mine)\n", ""),
    Mutant("resume", "if current < epoch and not drained then", "if not drained then"),
    Mutant("resume", "if current < epoch and not drained then", "if current < epoch then"),
    Mutant("resume", "known == 0 then day =", "known == 1 then day ="),
    # the end
    Mutant("close", "if closed then return {0} end\n", ""),
    Mutant("close", "call('DEL', p)\n", ""),
    Mutant("close", "event('closed')\n", ""),
    Mutant("close", "settle()\n", ""),
    Mutant("close", "closed, cause = '1', ARGV[1]", "closed = '1'"),
    Mutant("abort", "  call('DEL', p)\n", ""),
    Mutant("abort", "  event('closed')\n", ""),
    Mutant("abort", "call('DEL', z)\n", ""),
    Mutant("abort", "  n = n - removed\n", ""),
    Mutant("abort", "settle()\n", ""),
    Mutant("abort", "if not closed then", "if true then"),
    # withdraw
    Mutant("withdraw", "if current > epoch then return {-6} end\n", ""),
    Mutant("withdraw", "if number <= stored then return {0} end\n", ""),
    Mutant("withdraw", ", 1, true) then return {1} end\nif number", ", 1, true) then return {0} end\nif number"),
    Mutant("withdraw", "sub(found, 1, 14) == sender", "true"),
    Mutant("withdraw", "if not earlier then stored = last end", "stored = last"),
    Mutant("withdraw", "if not earlier then stored = last end", ""),
    Mutant("withdraw", "gaps .. ' ' .. ARGV[2])", "gaps)"),
    Mutant("withdraw", "  call('LREM', p, 1, '')\n", ""),
    # administration
    Mutant("bye", "if epoch > tonumber(ARGV[2]) then return {-6} end\n", ""),
    Mutant("bye", "if sub(put, 1, 14) == sender then", "if true then"),
    Mutant("bye", "    call('LREM', p, 1, '')\n", "    i = i + 1\n"),
    Mutant("bye", "set_sender(sender, known, known, epoch", "set_sender(sender, stored, known, epoch"),
    Mutant("bye", "elseif known > 0 and not drained then", "elseif not drained then"),
    Mutant("revive", "if closed then return {1, 0} end\n", ""),
    Mutant("revive", "n + #revived < max", "n + #revived <= max"),
    Mutant("revive", "#revived < 512 and", ""),
    Mutant("revive", ".. '\\1' ..", ".. sub(dead, body, body) .."),
    Mutant("revive", "  call('HINCRBY', m, 'in', #revived)\n", ""),
    Mutant("revive", "restore(revived, 'RPUSH')", "restore(revived, 'LPUSH')"),
    Mutant("drop", "  call('DEL', d)\n", ""),
    Mutant("drop", "    call('LREM', d, 1, '')\n", ""),
    Mutant("stat", "if kind == 'x' then", "if false then"),
    Mutant("stat", "count(p, 'LRANGE', 21)", "call('LLEN', p)"),
    Mutant("delete", "event('deleted')\n", ""),
    Mutant("open", "redis.call('EXISTS', m) == 0", "true"),
    Mutant("dead", "if ARGV[1] == '0' then return {1} end\n", ""),
]


def mutated(mutant: Mutant) -> dict[str, Script]:
    """Return the scripts with the fault."""
    texts = {name: read(name) for name in ("prelude", *NAMES)}
    assert texts[mutant.script].count(mutant.old) == 1, f"{mutant} is not there once"
    texts[mutant.script] = texts[mutant.script].replace(mutant.old, mutant.new)
    return {name: load(texts["prelude"], texts[name]) for name in NAMES}


def noticed(mutant: Mutant, server: Server, examples: int) -> str:
    """Return what notices the fault, or "" if nothing does."""
    scripts = mutated(mutant)
    for place, check in enumerate(CHECKS):
        with ExitStack() as stack:
            client, ears = (stack.enter_context(closing(Client(server.socket))) for _ in range(2))
            subject = Subject(client, ears, f"mutant-{place}", scripts)
            client("DEL", *subject.keys)
            try:
                subject.load()
                check(subject)
            except Exception:
                return check.__name__
    machine = type("Machine", (ScriptMachine,), {"server": server, "scripts": scripts})
    once = settings(COMMON, max_examples=examples, phases=[Phase.generate], database=None, report_multiple_bugs=False)
    try:
        run_state_machine_as_test(machine, settings=once)
    except Exception:
        return "the model"
    return ""
