"""Sections: the steps of every call on a channel between threads, each of which holds the lock once.

Each has its own handler for what a signal handler raises; why they look as they do is told in `shared`.
"""

from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import Literal, TypeVar

from aiochannel._core.resting import BLOCKED, Blocked
from aiochannel._core.thresholds import SLOW_GET
from aiochannel._threads.shared import Shared
from aiochannel._threads.waits import Gathering, Ticket, Wait

T = TypeVar("T")


class Sections(Shared[T]):
    """The sections of the calls, without a public name."""

    __slots__ = ()

    # Sections of calls that do not wait

    def _offer(self, item: T) -> bool:
        """Accept an item if there is room, and return whether there was."""
        try:
            self._acquire()
            if len(self._buffer) < self._put_below:
                self._buffer.append(item)
                accepted = True
            else:
                accepted = self._admit(item)
            self._release()
            if self._errands:
                self._run_errands()
        except BaseException:
            self._dirty = True
            try:
                self._mend()
            except BaseException:
                self._mend()
                raise
            raise
        return accepted

    def _offer_many(self, items: Sequence[T], done: int) -> int:
        """Accept the items from position `done` on, as many as there is room for; return the position after them."""
        try:
            self._acquire()
            while True:
                if done >= len(items):
                    break
                room = self._put_below - len(self._buffer)
                if room > 0:
                    self._buffer.extend(items[done : done + room])
                    done = min(done + room, len(items))
                elif self._admit(items[done]):
                    done += 1
                else:
                    break
            self._release()
            if self._errands:
                self._run_errands()
        except BaseException:
            self._dirty = True
            try:
                self._mend()
            except BaseException:
                self._mend()
                raise
            raise
        return done

    def _poll(self) -> T | Literal[Blocked.BLOCKED]:
        """Remove and return the oldest item; BLOCKED if there is none that nobody was promised."""
        item: T | Literal[Blocked.BLOCKED] = BLOCKED
        try:
            self._acquire()
            buffer = self._buffer
            if len(buffer) > self._get_above:
                item = buffer[0]
                del buffer[0]
            elif len(buffer) > self._receivers.woken:
                item = buffer[0]
                del buffer[0]
                self._after_take()
            self._release()
            if self._errands:
                self._run_errands()
        except BaseException:
            self._dirty = True
            try:
                if item is not BLOCKED:
                    self._untaken.append(item)
                self._mend()
            except BaseException:
                self._mend()
                raise
            raise
        return item

    def _poll_many(self, limit: int, wait: Gathering | None = None) -> list[T]:
        """Remove and return the oldest items that nobody was promised; before that a wait of the call ends."""
        items: list[T] = []
        taken = 0
        try:
            self._acquire()
            if wait is not None:
                self._leave(wait)
            buffer = self._buffer
            items = list(islice(buffer, max(0, min(limit, len(buffer) - self._receivers.woken))))
            if len(items) == len(buffer):
                rest: deque[T] = deque()
                self._buffer, taken = rest, len(items)
            while True:  # here a signal handler may raise, and not in the block, where a condition is tested again
                if taken >= len(items):
                    break
                del buffer[0]
                taken += 1
            if taken or wait is not None:
                self._settle()
            self._release()
            if self._errands:
                self._run_errands()
        except BaseException:
            self._dirty = True
            if wait is not None:
                wait.left = True
            try:
                self._untaken.extend(items[:taken])
                self._mend()
            except BaseException:
                self._mend()
                raise
            raise
        return items

    # Sections of calls that wait

    def _begin_put(self, wait: Wait, item: T) -> bool:
        """Accept an item and return True, or let its put wait; raise ChannelClosed if neither can be."""
        accepted = waits = False
        try:
            self._acquire()
            accepted = self._admit(item)
            if not accepted and not self._closed:
                waits = True
                self._waits[wait] = None
                wait.queue.append(wait)
            self._release()
            if self._errands:
                self._run_errands()
        except BaseException:
            self._dirty = wait.left = True
            try:
                self._mend()
            except BaseException:
                self._mend()
                raise
            raise
        if not accepted and not waits:
            self._check_open()
        return accepted

    def _end_put(self, wait: Wait, item: T) -> bool:
        """Put the item into the slot that its wait was granted; False: it was granted none."""
        accepted = False
        try:
            self._acquire()
            if wait.claimed and not self._closed and wait in self._waits:
                self._use_grant(wait, item)
                accepted = True
                del self._waits[wait]
            else:
                self._abandon(wait)
            self._release()
            if self._errands:
                self._run_errands()
        except BaseException:
            self._dirty = wait.left = True
            try:
                self._mend()
            except BaseException:
                self._mend()
                raise
            raise
        return accepted

    def _begin_get(self, wait: Wait) -> T | Literal[Blocked.BLOCKED]:
        """Return an item, or let its get wait and return BLOCKED; raise ChannelClosed if the channel is drained."""
        item: T | Literal[Blocked.BLOCKED] = BLOCKED
        waits = False
        try:
            self._acquire()
            buffer = self._buffer
            if len(buffer) > self._receivers.woken:
                item = buffer[0]
                del buffer[0]
                self._after_take()
            elif buffer or not self._closed:
                waits = True
                self._waits[wait] = None
                wait.queue.append(wait)
                self._recheck_receiver()
            self._release()
            if self._errands:
                self._run_errands()
        except BaseException:
            self._dirty = wait.left = True
            try:
                if item is not BLOCKED:
                    self._untaken.append(item)
                self._mend()
            except BaseException:
                self._mend()
                raise
            raise
        if item is BLOCKED and not waits:
            raise self._drained_error()
        return item

    def _end_get(self, wait: Wait) -> T | Literal[Blocked.BLOCKED]:
        """Return the item that a wait was promised; BLOCKED: it was promised none, or somebody has aborted."""
        item: T | Literal[Blocked.BLOCKED] = BLOCKED
        try:
            self._acquire()
            buffer = self._buffer
            if wait.claimed and buffer and wait in self._waits:
                if self._receivers.woken:  # or else an abort has taken what was promised
                    self._receivers.woken -= 1
                item = buffer[0]
                del buffer[0]
                del self._waits[wait]
                if self._closed:
                    self._after_take()
            else:
                self._abandon(wait)
            self._release()
            if self._errands:
                self._run_errands()
        except BaseException:
            self._dirty = wait.left = True
            try:
                if item is not BLOCKED:
                    self._untaken.append(item)
                self._mend()
            except BaseException:
                self._mend()
                raise
            raise
        return item

    def _begin_batch(self, wait: Gathering, limit: int) -> bool:
        """Return whether a batch can be taken at once, or the channel is drained; if neither, let its get wait."""
        waits = False
        try:
            self._acquire()
            ready = len(self._buffer) - self._receivers.woken
            waits = bool(self._buffer) if self._closed else True
            if ready >= limit or (ready > 0 and self._closed):
                waits = False
            if waits:
                self._waits[wait] = None
                self._get_above = SLOW_GET
                wait.enter(limit)
                self._recheck_receiver()
            self._release()
            if self._errands:
                self._run_errands()
        except BaseException:
            self._dirty = wait.left = True
            try:
                self._mend()
            except BaseException:
                self._mend()
                raise
            raise
        return not waits

    def _begin_watch(self, wait: Wait) -> bool:
        """Return whether what a join or a wait for the close waits for has come; if not, let it wait."""
        try:
            self._acquire()
            over = self._is_over(wait.queue)
            if not over:
                self._waits[wait] = None
                wait.queue.append(wait)
            self._release()
        except BaseException:
            self._dirty = wait.left = True
            try:
                self._mend()
            except BaseException:
                self._mend()
                raise
            raise
        return over

    def _begin_ticket(self, ticket: Ticket) -> None:
        """Let a select wait, and wake it if it can go ahead: another thread may have been here since it looked."""
        try:
            self._acquire()
            self._waits[ticket] = None
            ticket.queue.append(ticket)
            self._settle()
            self._release()
            if self._errands:
                self._run_errands()
        except BaseException:
            self._dirty = ticket.left = True
            try:
                self._mend()
            except BaseException:
                self._mend()
                raise
            raise

    def _quit(self, wait: Wait) -> None:
        """Let a call stop: what it was given passes on. It may be called again."""
        try:
            self._acquire()
            self._abandon(wait)
            self._release()
            if self._errands:
                self._run_errands()
        except BaseException:
            self._dirty = wait.left = True
            try:
                self._mend()
            except BaseException:
                self._mend()
                raise
            raise
