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
    Mutant("            if self._limit + (len(receivers) if receivers else self._reserved - len(buffer)) <= receivers.gone:\n                waiter", "            if self._limit + (len(receivers) if receivers else self._reserved - len(buffer)) < receivers.gone:\n                waiter", "put: one item too many"),
    Mutant("        if len(buffer) >= self._ceiling:\n            receivers = self._receivers\n            if (receivers or self._reserved) and _get_running_loop() is not self._loop:\n                self._check_wake()\n                receivers = self._receivers\n            if self._limit + (len(receivers) if receivers else self._reserved - len(buffer)) <= receivers.gone:\n                waiter", "        if len(buffer) > self._ceiling:\n            receivers = self._receivers\n            if (receivers or self._reserved) and _get_running_loop() is not self._loop:\n                self._check_wake()\n                receivers = self._receivers\n            if self._limit + (len(receivers) if receivers else self._reserved - len(buffer)) <= receivers.gone:\n                waiter", "put: takes the short way past the limit"),
    Mutant("                if self._closed:\n                    self._check_open()\n            if self._receivers:", "                if self._closed:\n                    self._check_open()\n            if False:", "put: no promise"),
    Mutant("                self._limit += 1\n                if self._closed:\n                    self._check_open()\n", "                if self._closed:\n                    self._check_open()\n", "put: a used grant stays granted"),
    Mutant("                self._limit += 1\n                if self._closed:\n                    self._check_open()\n", "                self._limit += 1\n", "put: a grant from before close is used after it"),
    Mutant("            if self._limit + (len(receivers) if receivers else self._reserved - len(buffer)) <= receivers.gone:\n                waiter", "            if self._limit + (self._reserved - len(buffer)) <= receivers.gone:\n                waiter", "put: a receiver at hand is no room"),
    Mutant("                self._check_room()\n            if self._receivers:", "                self._check_room()\n            if False:", "put_nowait: no promise"),
    Mutant("    def _check_room(self) -> None:\n        self._check_open()\n", "    def _check_room(self) -> None:\n", "put_nowait: full wins over closed"),
    Mutant("            if self._limit + (len(receivers) if receivers else self._reserved - len(buffer)) <= receivers.gone:\n                self._check_room", "            if self._limit + (len(receivers) if receivers else self._reserved - len(buffer)) < receivers.gone:\n                self._check_room", "put_nowait: one item too many"),
    Mutant("        if len(buffer) >= self._ceiling:\n            receivers = self._receivers\n            if (receivers or self._reserved) and _get_running_loop() is not self._loop:\n                self._check_wake()\n                receivers = self._receivers\n            if self._limit + (len(receivers) if receivers else self._reserved - len(buffer)) <= receivers.gone:\n                self._check_room", "        if len(buffer) > self._ceiling:\n            receivers = self._receivers\n            if (receivers or self._reserved) and _get_running_loop() is not self._loop:\n                self._check_wake()\n                receivers = self._receivers\n            if self._limit + (len(receivers) if receivers else self._reserved - len(buffer)) <= receivers.gone:\n                self._check_room", "put_nowait: takes the short way past the limit"),
    Mutant("        if self._room() <= 0:\n            raise ChannelFull", "        if self._room() < 0:\n            raise ChannelFull", "put_nowait: never full"),
    Mutant("self._limit + self._receivers.waiting() +", "self._limit +", "room: a receiver at hand is none"),
    Mutant("                room = self._ceiling - len(buffer)\n", "                room = self._ceiling - len(buffer) + 1\n", "put_many: one item too many"),
    Mutant("            if len(buffer) < self._ceiling:\n", "            if len(buffer) <= self._ceiling:\n", "put_many: takes the short way past the limit"),
    Mutant("                    await Channel.put(self, items[done])\n                    done += 1\n", "                    done += 1\n", "put_many: leaves out an item"),
    Mutant("def _start_sending(self) -> Waiter:\n        if self._closed:", "def _start_sending(self) -> Waiter:\n        if False:", "put: waits on a closed channel"),
    Mutant("        senders.append(waiter)\n", "", "put: waits and is not in the line"),
    Mutant("        senders.append(waiter)\n        self._floor = NO_GET\n", "        senders.append(waiter)\n", "put: waits, and a get takes the short way past it"),
    Mutant("        self._limit += 1\n        if self._closed:\n            self._check_open()\n", "        if self._closed:\n            self._check_open()\n", "select: a slot that was used stays granted"),
    Mutant("        self._limit += 1\n        if self._closed:\n            self._check_open()\n", "        self._limit += 1\n", "select: a grant from before close is used after it"),
    Mutant("        if waiter.cancelled() or not waiter.done():\n            self._senders.leave(waiter)\n        else:\n            self._return_grant()", "        self._return_grant()", "put: a cancelled wait returns a grant that it never had"),
    Mutant("        else:\n            self._return_grant()", "        else:\n            pass", "put: a cancelled grant is not returned"),
    Mutant("            self._senders.leave(waiter)\n        else", "            pass\n        else", "put: a cancelled wait leaves its waiter"),
    Mutant("    def _return_grant(self) -> None:\n        self._limit += 1\n", "    def _return_grant(self) -> None:\n", "put: a returned grant stays granted"),
    Mutant("            self._check_wake()\n        self._grant()\n", "            self._check_wake()\n", "put: a returned grant does not pass on"),
    Mutant("        while room > 0 and senders:", "        while senders:", "grant: without room"),
    Mutant("        while room > 0 and senders:", "        while room > 1 and senders:", "grant: leaves one slot"),
    Mutant("(len(receivers) if receivers else self._reserved - len(self._buffer))", "(self._reserved - len(self._buffer))", "grant: a receiver at hand is no room"),
    Mutant("waiting = senders.popleft()", "waiting = senders.pop()", "grant: last come, first served"),
    Mutant("            except InvalidStateError:  # cancelled\n                senders.gone -= 1\n                continue\n", "            except InvalidStateError:  # cancelled\n                senders.gone -= 1\n", "grant: to one that was cancelled"),
    Mutant("            self._limit -= 1\n            self._ceiling = NO_PUT\n            room", "            self._ceiling = NO_PUT\n            room", "grant: does not count"),
    Mutant("            self._ceiling = NO_PUT\n            room", "            room", "grant: a put takes the short way past the lower limit"),
    Mutant("            room -= 1  #", "            break  #", "grant: one at a time"),
    Mutant("                senders.gone -= 1\n                continue\n", "                continue\n", "grant: one that was passed over counts as gone"),
    # Getting.
    Mutant("            return buffer.popleft()\n        if len(buffer) > self._reserved:\n            return self._take()\n        waiter", "            return buffer.popleft()\n        if buffer:\n            return self._take()\n        waiter", "get: robs a promised item"),
    Mutant("        if len(buffer) > self._floor:\n            return buffer.popleft()\n        if len(buffer) > self._reserved:\n            return self._take()\n        waiter", "        if len(buffer) >= self._floor:\n            return buffer.popleft()\n        if len(buffer) > self._reserved:\n            return self._take()\n        waiter", "get: takes the short way to a promised item"),
    Mutant("        if len(buffer) <= self._reserved:\n            self._check_item()", "        if not buffer:\n            self._check_item()", "get_nowait: robs a promised item"),
    Mutant("        if len(buffer) > self._floor:\n            return buffer.popleft()\n        if len(buffer) <= self._reserved:", "        if len(buffer) >= self._floor:\n            return buffer.popleft()\n        if len(buffer) <= self._reserved:", "get_nowait: takes the short way to a promised item"),
    Mutant("    def _check_item(self) -> None:\n        self._check_not_drained()\n", "    def _check_item(self) -> None:\n", "get_nowait: empty though drained"),
    Mutant("            return self._take_many(limit)\n        return [await", "            return self._take_many(1)\n        return [await", "get_many: takes one"),
    Mutant("self._take_many(limit - 1)]", "self._take_many(limit)]", "get_many: one item too many"),
    Mutant("        if len(self._buffer) > self._reserved:\n            return self._take_many", "        if self._buffer:\n            return self._take_many", "get_many: returns nothing"),
    Mutant("        self._check_not_drained()\n        return self._take_many(limit)\n", "        return self._take_many(limit)\n", "get_many_nowait: nothing though drained"),
    Mutant("            return buffer.popleft()\n        if len(buffer) > self._reserved:\n            return self._take()\n        try", "            return buffer.popleft()\n        if buffer:\n            return self._take()\n        try", "async for: robs a promised item"),
    Mutant("        if len(buffer) > self._floor:\n            return buffer.popleft()\n        if len(buffer) > self._reserved:\n            return self._take()\n        try", "        if len(buffer) >= self._floor:\n            return buffer.popleft()\n        if len(buffer) > self._reserved:\n            return self._take()\n        try", "async for: takes the short way to a promised item"),
    Mutant("            if self._cause is not None:\n                raise\n", "            pass\n", "async for: a crash is the end of the data"),
    Mutant("    def _start_receiving(self) -> Waiter:\n        if self._closed:", "    def _start_receiving(self) -> Waiter:\n        if False:", "get: waits on a drained channel"),
    Mutant("        self._ceiling = NO_PUT\n        if self._senders:\n            self._grant()\n        if moves", "        if self._senders:\n            self._grant()\n        if moves", "get: waits, and a put takes the short way past it"),
    Mutant("        self._ceiling = NO_PUT\n        if self._senders:\n            self._grant()\n        if moves", "        self._ceiling = NO_PUT\n        if moves", "get: a waiting sender is not told of a receiver at hand"),
    Mutant("        if waiter.cancelled() or not waiter.done():\n            self._receivers.leave(waiter)\n        else:\n            self._return_promise()", "        self._return_promise()", "get: a cancelled wait that was passed over returns a promise that it never had"),
    Mutant("        else:\n            self._return_promise()", "        else:\n            pass", "get: a cancelled promise is not returned"),
    Mutant("            self._receivers.leave(waiter)\n", "            pass\n", "get: a cancelled wait leaves its waiter in the line"),
    Mutant("        if self._buffer:\n            self._reserved -= 1\n", "        if True:\n            self._reserved -= 1\n", "get: told closed and cancelled, returns a promise that it never had"),
    Mutant("            self._reserved -= 1\n            if self._receivers:", "            if self._receivers:", "get: a returned promise stays promised"),
    Mutant("            self._reserved -= 1\n            if self._receivers:\n                if _get_running_loop() is not self._loop:\n                    self._check_wake()\n                self._promise()\n", "            self._reserved -= 1\n", "get: a returned promise does not pass on"),
    Mutant("            self._reserved -= 1\n            return buffer.popleft()\n", "            return buffer.popleft()\n", "get: a taken promise stays promised"),
    Mutant("            self._reserved -= 1\n            return buffer.popleft()\n", "            self._reserved -= 1\n            return buffer.pop()\n", "get: takes the youngest item"),
    Mutant("        self._check_not_drained()\n        self._reserved -= 1\n", "        self._reserved -= 1\n", "get: told closed, takes from an empty buffer"),
    Mutant("        self._check_not_drained()\n        self._reserved -= 1\n", "        self._check_not_drained()\n", "get: a promise taken after close stays promised"),
    Mutant("        self._reserved -= 1\n        item = self._buffer.popleft()\n        self._after_take()\n", "        self._reserved -= 1\n        item = self._buffer.popleft()\n", "get: a join is not told of the last promised item"),
    Mutant("receivers.popleft().set_result(receivers)", "receivers.pop().set_result(receivers)", "promise: last come, first served"),
    Mutant("                receivers.gone -= 1\n            else:\n", "                receivers.gone -= 1\n            if True:\n", "promise: to one that was cancelled"),
    Mutant("                self._reserved += 1\n", "                pass\n", "promise: does not count"),
    Mutant("                self._floor = NO_GET\n                break", "                break", "promise: a get takes the short way to the item"),
    Mutant("                receivers.gone -= 1\n", "                pass\n", "promise: one that was passed over counts as gone"),
    Mutant("                receivers.gone -= 1\n            else:", "                receivers.gone -= 1\n                break\n            else:", "promise: stops at one that was cancelled"),
    Mutant("min(limit, len(buffer) - self._reserved)", "min(limit, len(buffer))", "batch: robs a promised item"),
    Mutant("            items = [popleft() for _ in range(count)]\n        self._after_take()\n", "            items = [popleft() for _ in range(count)]\n", "batch: nobody is told"),
    Mutant("        item = self._buffer.popleft()\n        self._after_take()\n        return item\n\n    def _take_map", "        item = self._buffer.popleft()\n        if self._closed:\n            self._after_take()\n        return item\n\n    def _take_map", "take: does not grant"),
    Mutant("            self._floor = self._reserved\n", "            self._floor = 0\n", "take: gets take the short way past promised items"),
    Mutant("        elif not self._buffer:\n            self._tell_drained()\n\n", "", "take: the others are not told of the last item"),
    Mutant("        elif not self._buffer:\n            self._tell_drained()\n\n", "        else:\n            self._tell_drained()\n\n", "take: the others are told before the last item"),
    Mutant("def _after_take(self) -> None:\n        if self._senders:\n            self._grant()\n        elif", "def _after_take(self) -> None:\n        if", "batch: does not grant"),
    # Closing.
    Mutant("        if self._closed:\n            return False\n", "", "close: not idempotent"),
    Mutant("        self._closed = True\n", "", "close: not for ever"),
    Mutant("        self._limit = -UNBOUNDED\n", "", "close: a put goes ahead after it"),
    Mutant("        self._limit = -UNBOUNDED\n        self._ceiling = NO_PUT\n", "        self._limit = -UNBOUNDED\n", "close: a put takes the short way after it"),
    Mutant("        self._floor = NO_GET\n        self._senders.wake_all()", "        self._senders.wake_all()", "close: a get takes the short way to the last item"),
    Mutant("        self._senders.wake_all()\n", "", "close: waiting senders are not told"),
    Mutant("        if not self._buffer:\n            self._tell_drained()\n        return True", "        self._tell_drained()\n        return True", "close: receivers are told while a promise may come back"),
    Mutant("        if not self._buffer:\n            self._tell_drained()\n        return True", "        return True", "close: waiting receivers are not told"),
    Mutant("        self.close(cause)\n        if _get_running_loop()", "        self.close()\n        if _get_running_loop()", "abort: the cause is lost"),
    Mutant("range(len(self._buffer) - self._reserved)]", "range(len(self._buffer))]", "abort: takes promised items"),
    Mutant("self._buffer.pop() for _ in", "self._buffer.popleft() for _ in", "abort: takes from the wrong end"),
    Mutant("        leftover.reverse()\n", "", "abort: youngest first"),
    Mutant("        if not self._buffer:\n            self._tell_drained()\n        return leftover", "        return leftover", "abort: nobody is told"),
    Mutant("        if self._closed and not self._buffer:\n            return\n", "", "join: waits on a drained channel"),
    Mutant("        if self._closed and not self._buffer:\n            return\n", "        if self._closed:\n            return\n", "join: does not wait until the channel is drained"),
    Mutant("        if self._closed and not self._buffer:\n            return\n", "        if self._closed and not self.qsize():\n            return\n", "join: does not wait for promised items"),
    Mutant("        self._receivers.wake_all()\n", "", "drained: receivers are not told"),
    Mutant("        self._joiners.wake_all()\n", "", "drained: joins are not told"),
    Mutant("        woken = list(self)\n        self.clear()\n", "        woken = list(self)\n", "wake all: waiters stay", "lines.py"),
    Mutant("            if each.done():\n                self.gone -= 1\n            else:\n                each.set_result(self)", "            each.set_result(self)", "wake all: one that was cancelled", "lines.py"),
    Mutant("            self.gone += 1\n", "            pass\n", "line: one that left stays in it", "lines.py"),
    Mutant("        elif self and self[-1] is waiting:", "        elif self:", "line: the last one leaves for any", "lines.py"),
    Mutant("        if self and self[0] is waiting:", "        if self:", "line: the first one leaves for any", "lines.py"),
    Mutant("            self.gone -= len(self) - len(waiting)\n", "", "line: those that left are removed and still counted", "lines.py"),
    Mutant("[each for each in self if not each.done()]", "[each for each in self if each.done()]", "line: those that wait are removed", "lines.py"),
    Mutant("            if each.done():\n                self.gone -= 1\n", "            if each.done():\n                pass\n", "wake all: one that was passed over counts as gone", "lines.py"),
    Mutant("        if self._cause is None and not self._closed:", "        if not self._closed:", "cause: the last one stays"),
    Mutant('accepts no more items") from self._cause', 'accepts no more items")', "cause: a put is not told"),
    Mutant("        error.__cause__ = self._cause\n", "", "cause: a get is not told"),
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
    Mutant("        return len(self._buffer) > self._reserved\n", "        return bool(self._buffer)\n", "empty: counts promised items"),
    Mutant("self._capacity if self._closed else self._room() <= 0", "self._capacity", "full: a receiver at hand is no room"),
    Mutant("iter(tuple(self._buffer))", "iter(tuple(self._buffer)[::-1])", "snapshot: youngest first"),
    # A loop that was closed.
    Mutant("        self._forget_closed_loop()\n        return len(self._buffer) - self._reserved\n", "        return len(self._buffer) - self._reserved\n", "closed loop: qsize leaves out what was promised in it"),
    Mutant("        self._forget_closed_loop()\n        return len(self._buffer) > self._reserved\n", "        return len(self._buffer) > self._reserved\n", "closed loop: an item promised in it is none"),
    Mutant("        self._forget_closed_loop()\n        return len(self._buffer) >= self._capacity", "        return len(self._buffer) >= self._capacity", "closed loop: full counts its receivers and grants"),
    Mutant("        if _get_running_loop() is not self._loop:\n            self._check_wake()\n        return self._room()", "        return self._room()", "closed loop: select, a slot granted in it is no room"),
    Mutant("        self._check_open()\n        self._forget_closed_loop()\n", "        self._check_open()\n", "closed loop: put_nowait, a slot granted in it is no room"),
    Mutant("        self._forget_closed_loop()\n        woken =", "        woken =", "closed loop: its tasks count as tasks of another loop"),
    Mutant("        self._forget_closed_loop()\n        waiting =", "        waiting =", "closed loop: its tasks are woken"),
    Mutant("        self._receivers = self._senders = self._joiners = NOBODY\n        self._loop = None\n", "        self._senders = self._joiners = NOBODY\n        self._loop = None\n", "closed loop: its receivers stay"),
    Mutant("        self._receivers = self._senders = self._joiners = NOBODY\n        self._loop = None\n", "        self._receivers = self._joiners = NOBODY\n        self._loop = None\n", "closed loop: its senders stay"),
    Mutant("        self._receivers = self._senders = self._joiners = NOBODY\n        self._loop = None\n", "        self._receivers = self._senders = NOBODY\n        self._loop = None\n", "closed loop: its joins stay"),
    Mutant("        self._loop = None\n        self._reserved = 0\n", "        self._loop = None\n", "closed loop: what was promised in it stays so"),
    Mutant("            self._limit = self._capacity\n            self._ceiling = NO_PUT\n", "            self._ceiling = NO_PUT\n", "closed loop: slots granted in it stay so"),
    Mutant("        if not self._closed:\n            self._limit = self._capacity\n            self._ceiling", "        if True:\n            self._limit = self._capacity\n            self._ceiling", "closed loop: opens a closed channel again"),
    Mutant("        if moves and self._room() > 0:\n            self._grant()", "        if False:\n            self._grant()", "closed loop: a put waits though room came free"),
    Mutant("        if moves and len(self._buffer) > self._reserved:\n            self._promise()", "        if False:\n            self._promise()", "closed loop: a get waits though an item came free"),
    Mutant("            if (receivers or self._reserved) and _get_running_loop() is not self._loop:\n                self._check_wake()\n                receivers = self._receivers\n            if self._limit + (len(receivers) if receivers else self._reserved - len(buffer)) <= receivers.gone:\n                waiter", "            if self._limit + (len(receivers) if receivers else self._reserved - len(buffer)) <= receivers.gone:\n                waiter", "closed loop: put, its receivers are room"),
    Mutant("            if (receivers or self._reserved) and _get_running_loop() is not self._loop:\n                self._check_wake()\n                receivers = self._receivers\n            if self._limit + (len(receivers) if receivers else self._reserved - len(buffer)) <= receivers.gone:\n                self", "            if self._limit + (len(receivers) if receivers else self._reserved - len(buffer)) <= receivers.gone:\n                self", "closed loop: put_nowait, its receivers are room"),
    Mutant("            if (receivers or self._reserved) and _get_running_loop() is not self._loop:\n                self._check_wake()\n                receivers = self._receivers\n            if self._limit + (len(receivers) if receivers else self._reserved - len(buffer)) <= receivers.gone:\n                waiter", "            if receivers and _get_running_loop() is not self._loop:\n                self._check_wake()\n                receivers = self._receivers\n            if self._limit + (len(receivers) if receivers else self._reserved - len(buffer)) <= receivers.gone:\n                waiter", "closed loop: put, its woken receivers are room"),
    Mutant("            if (receivers or self._reserved) and _get_running_loop() is not self._loop:\n                self._check_wake()\n                receivers = self._receivers\n            if self._limit + (len(receivers) if receivers else self._reserved - len(buffer)) <= receivers.gone:\n                self", "            if receivers and _get_running_loop() is not self._loop:\n                self._check_wake()\n                receivers = self._receivers\n            if self._limit + (len(receivers) if receivers else self._reserved - len(buffer)) <= receivers.gone:\n                self", "closed loop: put_nowait, its woken receivers are room"),
    Mutant("        if waiter.get_loop() is not self._loop:\n            return  # forgotten\n        if waiter.cancelled() or not waiter.done():\n            self._senders", "        if waiter.cancelled() or not waiter.done():\n            self._senders", "closed loop: a put that ends later changes something"),
    Mutant("        if waiter.get_loop() is not self._loop:\n            return  # forgotten\n        if waiter.cancelled() or not waiter.done():\n            self._receivers", "        if waiter.cancelled() or not waiter.done():\n            self._receivers", "closed loop: a get that ends later changes something"),
    Mutant("        if selection.loop is channel._loop:\n            channel._return_promise()", "        if True:\n            channel._return_promise()", "closed loop: select, a get that ends later changes something"),
    Mutant("        if selection.loop is self._channel._loop:\n            self._channel._return_grant()", "        if True:\n            self._channel._return_grant()", "closed loop: select, a put that ends later changes something"),
    # Selecting.
    Mutant("            elif len(each) == 1:\n                each.popleft()  # what `leave` would do\n            else:\n                each.leave(self)\n", "", "select: is not withdrawn from the other channels", "selection.py"),
    Mutant("            elif len(each) == 1:", "            elif each:", "select: another one is withdrawn from the other channels", "selection.py"),
    Mutant("                self.position = position\n            elif len(each) == 1:", "                self.position = position\n            if len(each) == 1:", "select: is withdrawn from the channel that claimed it", "selection.py"),
    Mutant("            cases[self.position]._operation.forgo(self)\n            return", "            return", "select: cancelled, keeps its promise or grant", "selection.py"),
    Mutant("        for line, _ in parked:\n            line.leave(self)\n", "", "select: cancelled, leaves its waiter", "selection.py"),
    Mutant("    if last is not None:", "    if False:", "select: waits beside otherwise", "selection.py"),
    Mutant("                return position, result\n            last = position\n", "                return position, result\n", "select: only a first otherwise counts", "selection.py"),
    Mutant("    for position in others:\n        result", "    for position in ():\n        result", "select: tries one case only", "selection.py"),
    Mutant("        for position in others:\n            cases", "        for position in ():\n            cases", "select: waits for one case only", "selection.py"),
    Mutant("return self._value if self.ended() else self._inner.attempt()", "return self._inner.attempt()", "or_closed: raises where it is closed", "selection.py"),
    Mutant("return self._value if self.ended() else self._inner.complete()", "return self._inner.complete()", "or_closed: raises where it is closed meanwhile", "selection.py"),
    Mutant("room == 1 and receivers and isinstance", "False and isinstance", "select: sends to itself"),
    Mutant("            senders.extend(passed_over)\n", "            pass\n", "select: passed over, is forgotten"),
    Mutant("            raise\n        self._after_take()\n        return result", "            raise\n        return result", "select: a get tells nobody"),
    Mutant("        if len(buffer) > channel._floor:", "        if len(buffer) >= channel._floor:", "select: a get takes the short way to a promised item"),
    Mutant("            if len(buffer) > channel._reserved or channel._has_item():\n                return channel._take()", "            if True:\n                return channel._take()", "select: robs a promised item"),
    Mutant("        elif channel._closed:\n            channel._check_not_drained()\n        return BLOCKED", "        return BLOCKED", "select: a get waits on a drained channel"),
    Mutant("        elif receivers and receivers[-1] is selection:\n            return\n", "", "select: two gets of one channel both wait"),
    Mutant("        receivers.append(selection)\n        channel._ceiling = NO_PUT\n", "        receivers.append(selection)\n", "select: waits to get, and a put takes the short way past it"),
    Mutant("        if channel._senders:\n            channel._grant()\n", "", "select: a waiting sender is not told of a receiver at hand"),
    Mutant("        channel._reserved -= 1\n        return channel._buffer.popleft()", "        return channel._buffer.popleft()", "select: an item that was taken stays promised"),
    Mutant("        if channel._closed:\n            return channel._take_promised()\n", "", "select: told closed, takes from an empty buffer"),
    Mutant("        channel._check_not_drained()\n        channel._reserved -= 1\n", "        channel._check_not_drained()\n", "select: a taken promise stays promised"),
    Mutant("            if channel._receivers:\n                channel._promise()\n            raise", "            raise", "select: map fails, the promise does not pass on"),
    Mutant("            self._buffer.appendleft(item)\n            raise", "            raise", "select: map fails, the item is lost"),
    Mutant("            channel._check_open()\n            return BLOCKED\n        self._put()", "            return BLOCKED\n        self._put()", "select: a put waits on a closed channel"),
    Mutant("        elif senders and senders[-1] is selection:\n            return\n", "", "select: the later of two puts on one channel goes ahead"),
    Mutant("        senders.append(selection)\n        channel._floor = NO_GET\n", "        senders.append(selection)\n", "select: waits to put, and a get takes the short way past it"),
    Mutant("        self._channel._use_grant()\n        self._put", "        self._channel._check_open()\n        self._put", "select: a used grant stays granted"),
    Mutant("        channel._use_grant()\n        try:", "        channel._check_open()\n        try:", "select: map, a used grant stays granted"),
    Mutant("        except BaseException:\n            channel._grant()\n            raise", "        except BaseException:\n            raise", "select: map fails, the grant does not pass on"),
    Mutant("        if channel._receivers:\n            channel._promise()\n        else:", "        if False:\n            channel._promise()\n        else:", "select: a put promises nothing"),
    Mutant("        else:\n            channel._ceiling = channel._limit\n", "        channel._ceiling = channel._limit\n", "select: after a put, the next one takes the short way past a receiver that waits"),
    Mutant("channel._capacity = channel._limit = channel._ceiling = 0", "channel._capacity = channel._limit = channel._ceiling = 1", "rendezvous: has a buffer"),
]  # fmt: skip

UNCHANGED = Mutant("", "", "nothing")


def judge(*, closed_loop: bool) -> str:
    """Try the package in this directory; what has noticed a fault, or nothing."""
    assert Path(aiochannel.__file__).is_relative_to(Path.cwd()), aiochannel.__file__
    if closed_loop:
        return by_closing_loops() or by_the_explorer() or by_the_model()
    return by_the_explorer() or by_closing_loops() or by_the_model()


def by_the_explorer() -> str:
    # Most are noticed in a few schedules of some program.
    few, more = partial(Explorer.sample, draws=10), partial(Explorer.sample, draws=50)
    for play, script in product((few, more, partial(Explorer.explore, budget=200, draws=200)), PROGRAMS):
        report = play(Explorer(script))
        if report.failure is not None:
            return f"explorer: {report.failure.violations[0].kind}: {script.describe()}"
    return ""


def by_closing_loops() -> str:
    from tests.model.test_model import SIZES, lose_loops  # noqa: PLC0415  # takes longer to import than most live

    try:
        for size in SIZES:
            lose_loops(size)
    except BaseException as error:
        return f"model: {type(error).__name__}: {', '.join(error.__notes__)}"
    return ""


def by_the_model() -> str:
    from hypothesis import Phase, settings  # noqa: PLC0415  # as above
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
        closed_loop = mutant.breaks.startswith("closed loop")
        code = f"from tests.explore.mutants import judge; print('verdict:', judge({closed_loop=}))"
        try:
            run = subprocess.run(
                [sys.executable, "-c", code], cwd=directory, capture_output=True, text=True, timeout=SECONDS, check=False,
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
    if (verdict := try_out(UNCHANGED)) != "survives":
        print(f"the package as it is: {verdict}; no verdict below it would mean anything")
        return 2
    alive = 0
    with ThreadPoolExecutor(options.processes) as pool:
        for mutant, verdict in zip(chosen, pool.map(try_out, chosen), strict=True):
            alive += verdict.startswith(("survives", "error"))
            print(f"{mutant.breaks:70} {verdict}", flush=True)
    print(f"mutants: {len(chosen)} of the package, {alive} survive, {time.perf_counter() - begun:.0f} s")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
