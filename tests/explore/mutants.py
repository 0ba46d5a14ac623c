"""Faults of one line each, put into a copy of the package: the explorer or the model must notice every one.

python -m tests.explore.mutants            all of them; a survivor is a missing program or dead code, and exits with 1
python -m tests.explore.mutants rob grant  those whose description has one of the words
"""
# ruff: noqa: E501  # one row for each mutant

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import product
from pathlib import Path
from typing import NamedTuple

import aiochannel
from tests.explore.catalogue import PROGRAMS
from tests.explore.search import Explorer

ROOT = Path(__file__).parents[2]
SECONDS = 120


class Mutant(NamedTuple):
    old: str
    new: str
    breaks: str
    file: str = "channel.py"


# The lines around the changed one are there to name one place.
MUTANTS = [
    # Putting.
    Mutant("if len(self._buffer) >= self._limit:\n            waiter", "if len(self._buffer) > self._limit:\n            waiter", "put: one item too many"),
    Mutant("            self._use_grant()\n        if self._receivers:", "            self._use_grant()\n        if False:", "put: no promise"),
    Mutant("            self._check_room()\n        if self._receivers:", "            self._check_room()\n        if False:", "put_nowait: no promise"),
    Mutant("    def _check_room(self) -> None:\n        self._check_open()\n", "    def _check_room(self) -> None:\n", "put_nowait: full wins over closed"),
    Mutant("if len(self._buffer) >= self._limit:\n            self._check_room", "if len(self._buffer) > self._limit:\n            self._check_room", "put_nowait: one item too many"),
    Mutant("if len(self._buffer) >= self._limit:\n            raise ChannelFull", "if len(self._buffer) > self._limit:\n            raise ChannelFull", "put_nowait: never full"),
    Mutant("            if len(buffer) >= self._limit:\n", "            if len(buffer) > self._limit:\n", "put_many: one item too many"),
    Mutant("                self._use_grant()\n            if self._receivers:", "                self._use_grant()\n            if False:", "put_many: no promise"),
    Mutant("def _start_sending(self) -> Waiter:\n        if self._closed:", "def _start_sending(self) -> Waiter:\n        if False:", "put: waits on a closed channel"),
    Mutant("            self._senders[waiter] = None\n        else:", "            pass\n        else:", "put: waits and is not in the line"),
    Mutant("        self._limit += 1\n        if self._closed:\n            self._check_open()\n", "        if self._closed:\n            self._check_open()\n", "put: a used grant stays granted"),
    Mutant("        self._limit += 1\n        if self._closed:\n            self._check_open()\n", "        self._limit += 1\n", "put: a grant from before close is used after it"),
    Mutant("        elif not waiter.cancelled():\n            self._return_grant(waiter)", "        else:\n            self._return_grant(waiter)", "put: a cancelled wait returns a grant that it never had"),
    Mutant("        elif not waiter.cancelled():\n            self._return_grant(waiter)", "        else:\n            pass", "put: a cancelled grant is not returned"),
    Mutant("        if waiter in self._senders:\n            del self._senders[waiter]\n", "        if waiter in self._senders:\n            pass\n", "put: a cancelled wait leaves its waiter"),
    Mutant("            return  # forgotten\n        self._limit += 1\n", "            return  # forgotten\n", "put: a returned grant stays granted"),
    Mutant("        while senders and len(self._buffer) < self._limit:", "        while senders:", "grant: without room"),
    Mutant("        while senders and len(self._buffer) < self._limit:", "        while senders and len(self._buffer) + 1 < self._limit:", "grant: leaves one slot"),
    Mutant("senders.popitem(last=False)", "senders.popitem()", "grant: last come, first served"),
    Mutant("senders.popitem(last=False)\n            if waiter.done():", "senders.popitem(last=False)\n            if False:", "grant: to one that was cancelled"),
    Mutant("                self._limit -= 1\n                waiter.set_result(0)", "                waiter.set_result(0)", "grant: does not count"),
    Mutant("                self._limit -= 1\n                waiter.set_result(0)\n", "                self._limit -= 1\n                waiter.set_result(0)\n                break\n", "grant: one at a time"),
    # Getting.
    Mutant("        if count <= self._reserved:\n            waiter", "        if not count:\n            waiter", "get: robs a promised item"),
    Mutant("            return self._take_promised()\n        if count >= self._limit:", "            return self._take_promised()\n        if count > self._limit:", "get: does not grant"),
    Mutant("        if count <= self._reserved:\n            self._check_item()", "        if not count:\n            self._check_item()", "get_nowait: robs a promised item"),
    Mutant("    def _check_item(self) -> None:\n        self._check_not_drained()\n", "    def _check_item(self) -> None:\n", "get_nowait: empty though drained"),
    Mutant("            self._check_item()\n        if count >= self._limit:", "            self._check_item()\n        if count > self._limit:", "get_nowait: does not grant"),
    Mutant("            return self._take_many(limit)\n        return [await", "            return self._take_many(1)\n        return [await", "get_many: takes one"),
    Mutant("self._take_many(limit - 1)]", "self._take_many(limit)]", "get_many: one item too many"),
    Mutant("        if len(self._buffer) > self._reserved:\n            return self._take_many", "        if self._buffer:\n            return self._take_many", "get_many: returns nothing"),
    Mutant("        self._check_not_drained()\n        self._forget_closed_loop()\n        return self", "        self._forget_closed_loop()\n        return self", "get_many_nowait: nothing though drained"),
    Mutant("        if count > self._reserved:\n            return buffer", "        if count:\n            return buffer", "async for: robs a promised item"),
    Mutant("buffer.popleft() if count < self._limit else", "buffer.popleft() if count <= self._limit else", "async for: does not grant"),
    Mutant("            if self._cause is not None:\n                raise\n", "            pass\n", "async for: a crash is the end of the data"),
    Mutant("    def _start_receiving(self) -> Waiter:\n        if self._closed:", "    def _start_receiving(self) -> Waiter:\n        if False:", "get: waits on a drained channel"),
    Mutant("            self._limit += 1\n            if self._senders:\n", "            if self._senders:\n", "get: a receiver at hand, the second of a loop, is no room"),
    Mutant("            self._limit += 1\n            if self._senders:\n                self._grant()\n", "            self._limit += 1\n", "get: a waiting sender is not told of a second receiver at hand"),
    Mutant("        self._limit += 1\n        if self._senders:\n", "        if self._senders:\n", "get: a receiver at hand is no room"),
    Mutant("        self._limit += 1\n        if self._senders:\n            self._grant()\n", "        self._limit += 1\n", "get: a waiting sender is not told of a receiver at hand"),
    Mutant("        elif waiter.cancelled():\n            self._unpark_receiver(waiter)\n        else:\n            self._return_promise(waiter)", "        else:\n            self._return_promise(waiter)", "get: a cancelled wait that was passed over returns a promise that it never had"),
    Mutant("        else:\n            self._return_promise(waiter)", "        else:\n            self._limit -= 1", "get: a cancelled promise is not returned"),
    Mutant("            del self._receivers[waiter]\n            self._limit -= 1\n", "            self._limit -= 1\n", "get: a cancelled wait leaves its waiter in the line"),
    Mutant("            del self._receivers[waiter]\n            self._limit -= 1\n", "            del self._receivers[waiter]\n", "get: a cancelled wait stays room"),
    Mutant("            self._receivers.pop(waiter, None)\n            self._limit -= 1\n", "            self._receivers.pop(waiter, None)\n", "get: a cancelled receiver stays room"),
    Mutant("            self._receivers.pop(waiter, None)\n            self._limit -= 1\n", "            self._limit -= 1\n", "get: a cancelled wait leaves its waiter"),
    Mutant("            return  # forgotten\n        self._limit -= 1\n", "            return  # forgotten\n", "get: a woken receiver that was cancelled stays room"),
    Mutant("        if self._buffer:\n            self._reserved -= 1\n", "        if True:\n            self._reserved -= 1\n", "get: told closed and cancelled, returns a promise that it never had"),
    Mutant("            self._reserved -= 1\n            if self._receivers:", "            if self._receivers:", "get: a returned promise stays promised"),
    Mutant("            self._reserved -= 1\n            if self._receivers:\n                self._promise()\n", "            self._reserved -= 1\n", "get: a returned promise does not pass on"),
    Mutant("    def _take_promised(self) -> T:\n        self._limit -= 1\n", "    def _take_promised(self) -> T:\n", "get: a receiver that has its item stays room"),
    Mutant("            self._reserved -= 1\n            return self._buffer.popleft()", "            return self._buffer.popleft()", "get: a taken promise stays promised"),
    Mutant("            self._reserved -= 1\n            return self._buffer.popleft()", "            self._reserved -= 1\n            return self._buffer.pop()", "get: takes the youngest item"),
    Mutant("        self._check_not_drained()\n        self._reserved -= 1\n", "        self._reserved -= 1\n", "get: told closed, takes from an empty buffer"),
    Mutant("        self._check_not_drained()\n        self._reserved -= 1\n", "        self._check_not_drained()\n", "get: a promise taken after close stays promised"),
    Mutant("        self._reserved -= 1\n        item = self._buffer.popleft()\n        self._after_take()\n", "        self._reserved -= 1\n        item = self._buffer.popleft()\n", "get: a join is not told of the last promised item"),
    Mutant("receivers.popitem(last=False)", "receivers.popitem()", "promise: last come, first served"),
    Mutant("receivers.popitem(last=False)\n            if waiter.done():", "receivers.popitem(last=False)\n            if False:", "promise: to one that was cancelled"),
    Mutant("            self._reserved += 1\n", "", "promise: does not count"),
    Mutant("            if waiter.done():\n                continue\n            self._reserved", "            if waiter.done():\n                return\n            self._reserved", "promise: stops at one that was cancelled"),
    Mutant("min(limit, self.qsize())", "min(limit, len(self._buffer))", "batch: robs a promised item"),
    Mutant("        items = [popleft() for _ in range(min(limit, self.qsize()))]\n        self._after_take()", "        items = [popleft() for _ in range(min(limit, self.qsize()))]", "batch: nobody is told"),
    Mutant("            self._check_wake()\n        item = self._buffer.popleft()\n        if self._senders:\n            self._grant()\n        elif", "            self._check_wake()\n        item = self._buffer.popleft()\n        if", "take: does not grant"),
    Mutant("            self._tell_drained()\n        return item", "            pass\n        return item", "take: the others are not told of the last item"),
    Mutant("        elif self._closed and not self._buffer:\n            self._tell_drained()\n        return item", "        elif self._closed:\n            self._tell_drained()\n        return item", "take: the others are told before the last item"),
    Mutant("def _after_take(self) -> None:\n        if self._senders:\n            self._grant()\n        elif", "def _after_take(self) -> None:\n        if", "batch: does not grant"),
    # Closing.
    Mutant("        if self._closed:\n            return False\n", "", "close: not idempotent"),
    Mutant("        self._closed = True\n", "", "close: not for ever"),
    Mutant("        self._limit = -UNBOUNDED\n", "", "close: a put goes ahead after it"),
    Mutant("        _wake_all(self._senders)\n", "", "close: waiting senders are not told"),
    Mutant("        if not self._buffer:\n            self._tell_drained()\n        return True", "        self._tell_drained()\n        return True", "close: receivers are told while a promise may come back"),
    Mutant("        if not self._buffer:\n            self._tell_drained()\n        return True", "        return True", "close: waiting receivers are not told"),
    Mutant("        self.close(cause)\n        if _get_running_loop()", "        self.close()\n        if _get_running_loop()", "abort: the cause is lost"),
    Mutant("range(self.qsize())]", "range(len(self._buffer))]", "abort: takes promised items"),
    Mutant("self._buffer.pop() for _ in", "self._buffer.popleft() for _ in", "abort: takes from the wrong end"),
    Mutant("        leftover.reverse()\n", "", "abort: youngest first"),
    Mutant("        if not self._buffer:\n            self._tell_drained()\n        return leftover", "        return leftover", "abort: nobody is told"),
    Mutant("        if self._closed and not self._buffer:\n            return\n", "", "join: waits on a drained channel"),
    Mutant("        if self._closed and not self._buffer:\n            return\n", "        if self._closed:\n            return\n", "join: does not wait until the channel is drained"),
    Mutant("        if self._closed and not self._buffer:\n            return\n", "        if self._closed and not self.qsize():\n            return\n", "join: does not wait for promised items"),
    Mutant("        _wake_all(self._receivers)\n", "", "drained: receivers are not told"),
    Mutant("        _wake_all(self._joiners)\n", "", "drained: joins are not told"),
    Mutant("    waiters.clear()\n", "", "wake all: waiters stay"),
    Mutant("    for waiter, arm in woken:\n        if waiter.done():", "    for waiter, arm in woken:\n        if False:", "wake all: one that was cancelled"),
    Mutant("        if self._cause is None and not self._closed:", "        if not self._closed:", "cause: the last one stays"),
    Mutant('accepts no more items") from self._cause', 'accepts no more items")', "cause: a put is not told"),
    Mutant('is drained") from self._cause', 'is drained")', "cause: a get is not told"),
    # Ends, handles, and what is shown.
    Mutant("            self.close(cause)\n        else:", "            self.close()\n        else:", "end: the last one's cause is lost"),
    Mutant("            self._note_cause(cause)\n\n", "            pass\n\n", "end: the cause of one that is not the last is lost"),
    Mutant("last=self._open_senders == 1", "last=True", "sending end: the first that leaves closes"),
    Mutant("last=self._open_senders == 1", "last=False", "sending end: the last that leaves does not close"),
    Mutant("last=self._open_receivers == 1", "last=False", "receiving end: the last that leaves does not close"),
    Mutant("        self._open_receivers += 1\n", "        self._open_receivers = 1\n", "receiving end: only one counts"),
    Mutant("        if not self._left:\n            self._leave(exc)", "        if True:\n            self._leave(exc)", "end: leaves twice", "handles.py"),
    Mutant("            self._retire()\n", "", "end: its handle works after it left", "handles.py"),
    Mutant("        return len(self._buffer) - self._reserved\n", "        return len(self._buffer)\n", "qsize: counts promised items"),
    Mutant("        return len(self._buffer) <= self._reserved\n", "        return not self._buffer\n", "empty: counts promised items"),
    Mutant("(self._capacity if self._closed else self._limit)", "self._capacity", "full: a receiver at hand is no room"),
    Mutant("iter(tuple(self._buffer))", "iter(tuple(self._buffer)[::-1])", "snapshot: youngest first"),
    # Selecting.
    Mutant("            if operation is not claimed:\n                operation.unpark(waiter)", "            pass", "select: is not withdrawn from the other channels", "selection.py"),
    Mutant("            if operation is not claimed:\n", "            if True:\n", "select: is withdrawn from the channel that claimed it", "selection.py"),
    Mutant("            operations[waiter.result()].forgo(waiter)\n", "            pass\n", "select: cancelled, keeps its promise or grant", "selection.py"),
    Mutant("            for operation in parked:\n                operation.unpark(waiter)\n", "            pass\n", "select: cancelled, leaves its waiter", "selection.py"),
    Mutant("            if operations[position].park(waiter, (selection, position)):\n", "            operations[position].park(waiter, (selection, position))\n            if True:\n", "select: withdrawn twice where two cases are of one side", "selection.py"),
    Mutant("    if last is not None:", "    if False:", "select: waits beside otherwise", "selection.py"),
    Mutant("        if result is LAST:\n            last = position\n", "", "select: only a first otherwise counts", "selection.py"),
    Mutant("    for position in rest:", "    for position in ():", "select: tries one case only", "selection.py"),
    Mutant("return finish(self._value) if self.ended() else self._inner.attempt(finish)", "return self._inner.attempt(finish)", "or_closed: raises where it is closed", "selection.py"),
    Mutant("return finish(self._value) if self.ended() else self._inner.complete(finish)", "return self._inner.complete(finish)", "or_closed: raises where it is closed meanwhile", "selection.py"),
    Mutant("elif waiter in self._receivers and len(self._buffer) + 1 >= self._limit:", "elif False:", "select: sends to itself"),
    Mutant("        senders.update(passed_over)\n", "", "select: passed over, is forgotten"),
    Mutant("                self._limit -= 1\n                selection, position = arm", "                selection, position = arm", "select: a grant does not count"),
    Mutant("        if matters:\n            self._after_take()\n", "", "select: a get tells nobody"),
    Mutant("        if len(channel._buffer) > channel._reserved:\n            return channel._take_through", "        if channel._buffer:\n            return channel._take_through", "select: robs a promised item"),
    Mutant("        if channel._closed:\n            channel._check_not_drained()\n        return BLOCKED", "        return BLOCKED", "select: a get waits on a drained channel"),
    Mutant("        if waiter in channel._receivers:\n            return False\n", "", "select: two gets of one channel both wait"),
    Mutant("        channel._limit -= 1\n        channel._check_not_drained()\n        channel._reserved", "        channel._check_not_drained()\n        channel._reserved", "select: a receiver that has its item stays room"),
    Mutant("        channel._check_not_drained()\n        channel._reserved -= 1\n", "        channel._check_not_drained()\n", "select: a taken promise stays promised"),
    Mutant("        if len(channel._buffer) >= channel._limit:\n            channel._check_open()\n            return BLOCKED", "        if len(channel._buffer) >= channel._limit:\n            return BLOCKED", "select: a put waits on a closed channel"),
    Mutant("        if waiter in channel._senders:\n            return False\n", "", "select: the later of two puts on one channel goes ahead"),
    Mutant("        channel._use_grant()\n", "        channel._check_open()\n", "select: a used grant stays granted"),
    Mutant("        if channel._receivers:\n            channel._promise()\n        channel._buffer", "        channel._buffer", "select: a granted put promises nothing"),
    Mutant("        self._channel._unpark_receiver(waiter)", "        self._channel._receivers.pop(waiter, None)", "select: withdrawn, stays room"),
    Mutant("        self._channel._senders.pop(waiter, None)", "        pass", "select: withdrawn, its put still waits"),
    Mutant("channel._capacity = channel._limit = 0", "channel._capacity = channel._limit = 1", "rendezvous: has a buffer"),
]  # fmt: skip


def judge() -> str:
    """Try the package in this directory; what has noticed a fault, or nothing."""
    assert Path(aiochannel.__file__).is_relative_to(Path.cwd()), aiochannel.__file__
    # Most are noticed in a few schedules of some program.
    few, more = partial(Explorer.sample, draws=10), partial(Explorer.sample, draws=50)
    for play, script in product((few, more, partial(Explorer.explore, budget=200, draws=200)), PROGRAMS):
        report = play(Explorer(script))
        if report.failure is not None:
            return f"explorer: {report.failure.violations[0].kind}: {script.describe()}"
    return by_the_model()


def by_the_model() -> str:
    from hypothesis import Phase, settings  # noqa: PLC0415  # takes longer to import than most mutants live
    from hypothesis.stateful import run_state_machine_as_test  # noqa: PLC0415

    from tests.model.test_model import CHECK, ChannelMachine  # noqa: PLC0415

    without_shrinking = settings(CHECK, report_multiple_bugs=False, phases=[Phase.generate])
    try:
        run_state_machine_as_test(ChannelMachine, settings=without_shrinking)
    except BaseException as error:
        return f"model: {type(error).__name__}"
    return ""


def try_out(mutant: Mutant) -> str:
    """What notices the mutant: the first word is `explorer`, `model`, `hangs`, or `survives`."""
    with tempfile.TemporaryDirectory() as directory:
        shutil.copytree(
            ROOT / "aiochannel", Path(directory, "aiochannel"), ignore=shutil.ignore_patterns("__pycache__")
        )
        target = Path(directory, "aiochannel", mutant.file)
        source = target.read_text(encoding="utf-8")
        target.write_text(source.replace(mutant.old, mutant.new), encoding="utf-8")
        command = [sys.executable, "-c", "from tests.explore.mutants import judge; print('verdict:', judge())"]
        try:
            run = subprocess.run(
                command, cwd=directory, capture_output=True, text=True, timeout=SECONDS, check=False,
                env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"},
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return f"hangs: for {SECONDS} s"
    _, told, verdict = run.stdout.rpartition("verdict:")
    if not told:
        return f"error: {run.stderr.strip().splitlines()[-1:]}"
    return verdict.strip() or "survives"


def misplaced() -> list[str]:
    """Mutants whose old text does not name one place."""
    found = []
    for mutant in MUTANTS:
        places = (ROOT / "aiochannel" / mutant.file).read_text(encoding="utf-8").count(mutant.old)
        if places != 1:
            found.append(f"{mutant.breaks}: {places} places have {mutant.old!r}")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.explore.mutants")
    parser.add_argument("words", nargs="*", help="only the mutants whose description has one of these")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    words: list[str] = options.words
    chosen = [mutant for mutant in MUTANTS if not words or any(word in mutant.breaks for word in words)]
    if wrong := misplaced():
        print(*wrong, sep="\n")
        return 2
    begun = time.perf_counter()
    alive = 0
    with ThreadPoolExecutor(options.processes) as pool:
        for mutant, verdict in zip(chosen, pool.map(try_out, chosen), strict=True):
            alive += verdict.startswith(("survives", "error"))
            print(f"{mutant.breaks:70} {verdict}", flush=True)
    print(f"mutants: {len(chosen)} of the package, {alive} survive, {time.perf_counter() - begun:.0f} s")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
