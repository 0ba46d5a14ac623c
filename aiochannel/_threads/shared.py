"""Shared: a machine whose steps tasks and threads take in turn, under one lock.

A call is made of sections, each of which holds the lock: one that carries the call out if it can go ahead at once, one
that does so or else lets it wait (`begin`), and one after the wait that uses what it was given (`end`) or gives it back
(`quit`). All that is rung meanwhile in event loops is an errand for after the release.

Ctrl-C. A signal handler may raise wherever the interpreter looks for signals: after a call, on entry to a function and
where a loop turns. So a section is one `try` without `with`; after `acquire` has returned, such a place comes before
any block could begin. Its handler does not know whether it holds the lock and need not know: the lock may be acquired
again by its holder, and `_repair` releases it until it is not held. Between an item leaving the buffer and a local name
for it there is no call, and the handler puts it back from there: `_untaken` holds it until the repair. Whatever else a
section has left undone, the repair derives from the waits. It may be interrupted too, and called again.
"""

from asyncio import _get_running_loop
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from itertools import repeat, starmap
from threading import RLock
from typing import Final, Protocol, TypeVar, final
from weakref import WeakMethod

from aiochannel._core.ends import OpenEnd
from aiochannel._core.machine import Machine
from aiochannel._core.newer_typing import override
from aiochannel._core.waiters import Selection, WaitQueue
from aiochannel._threads.forks import protect
from aiochannel._threads.hosts import NO_BELL, NO_HOST, Host
from aiochannel._threads.waits import Gathering, Ticket, Wait

T = TypeVar("T")
R = TypeVar("R")

NOTHING: Final[tuple[()]] = ()


class Acquire(Protocol):
    """Acquires the lock, and returns whether it has."""

    def __call__(self, blocking: bool = True, /) -> bool: ...


@final
class Departure:
    """An end that leaves."""

    __slots__ = ("cause", "closed", "end", "how", "last")

    def __init__(self, end: OpenEnd, cause: BaseException | None, how: str) -> None:
        self.end = end
        self.cause = cause
        self.how = how
        self.last = self.closed = False


class Shared(Machine[T]):
    """The state of a channel between threads: what is done under the lock, and the repair."""

    __slots__ = (
        "_acquire",
        "_departing",
        "_dirty",
        "_errands",
        "_forked",
        "_host",
        "_hosts",
        "_lasting",
        "_maxsize",
        "_orphaned",
        "_release",
        "_tickets",
        "_untaken",
        "_waits",
    )

    def __init__(self, capacity: int, maxsize: int, lasting: bool, name: str | None) -> None:
        super().__init__(capacity, None)
        self._maxsize = maxsize
        self._name = name
        self._receivers = WaitQueue()
        self._senders = WaitQueue()
        self._joiners = WaitQueue()
        self._closers = WaitQueue()
        self._waits: dict[Wait, None] = {}
        """Every call that waits, or was woken and has not gone on yet, in the order in which they began."""
        self._untaken: deque[T] = deque()
        """Items that calls have taken and could not return."""
        self._dirty = False
        """Whether a section was interrupted and not repaired yet."""
        self._tickets: dict[Selection, list[Ticket]] = {}
        """What the selects that wait, or were woken and have not gone on, have here."""
        self._departing: deque[Departure] = deque()
        """Ends that have left and are counted still."""
        self._errands: deque[Callable[[], object]] = deque()
        self._hosts: dict[object, Host] = {}
        self._host = NO_HOST
        """The host that was used last."""
        self._forked = False
        """Whether the process was forked while somebody was inside."""
        self._lasting = lasting
        self._orphaned = ""
        """What to tell a join that would wait, once the last event loop has ended."""
        self._unlock()
        protect(self)

    def _unlock(self) -> None:
        lock = RLock()
        self._acquire: Acquire = lock.acquire
        self._release: Callable[[], object] = lock.release

    def _locked(self, step: Callable[[], R]) -> R:
        """Take a step that may be taken twice or not at all if it is interrupted."""
        try:
            self._acquire()
            result = step()
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
        return result

    # Under the lock

    def _abandon(self, wait: Wait) -> None:
        if self._leave(wait):
            self._settle()
        if self._dirty:
            self._restore()

    def _leave(self, wait: Wait) -> bool:
        """Take a wait and what it was given out; return whether it was there."""
        if wait not in self._waits:
            return False
        queue = wait.queue
        claims = wait.claims()
        further = wait.further()
        claimed = wait.claimed
        wait.left = True
        if isinstance(wait, Gathering):
            wait.promised = wait.wants = 0
        queue.further -= further
        # Drained and aborted channels claim without a promise.
        queue.woken = max(0, queue.woken - claims)
        if not claimed:
            queue.discard(wait)
        wait.bell = NO_BELL
        del self._waits[wait]
        return True

    @override
    def _check_loop(self) -> None:
        """Tasks of any loop may wait."""

    @override
    def _forget_lost_loop(self) -> None:
        """Each loop is forgotten when it ends."""

    @override
    def _tell_closed(self) -> None:
        self._senders.wake_all()
        self._closers.wake_all()
        if not self._buffer:
            self._tell_drained()
        elif self._receivers and isinstance(first := self._receivers[0], Gathering):
            first.conclude()

    # Looking at it

    def _unpromised(self) -> int:
        return max(0, len(self._buffer) - self._receivers.woken)

    def _has_ready(self, limit: int) -> bool:
        """Return whether a batch need not wait for more."""
        return self._closed or self._unpromised() >= limit

    def _drained(self) -> bool:
        return self._closed and not self._buffer

    def _is_full(self) -> bool:
        return len(self._buffer) >= self._capacity if self._closed else self._room() <= 0

    def _close(self, cause: BaseException | None) -> bool:
        return self._locked(partial(self._shut, cause))

    # After the lock

    def _run_errands(self) -> None:
        """Do what could not be done under the lock, this call's and that of others."""
        errands = self._errands
        while errands:
            try:
                errand = errands.popleft()
            except IndexError:  # another thread has taken it
                break
            errand()

    # Repair

    def _mend(self) -> None:
        """Repair what an interrupted section has left. The caller raises what has interrupted it, and that is enough.

        What signal handlers raise in here is dropped, and the repair begins again. Only one that raises before this has
        begun, twice, could prevent it.
        """
        try:
            self._repair()
        except BaseException:
            try:
                self._mend()
            except BaseException:
                self._mend()

    def _repair(self) -> None:
        """Derive the state from the items and the waits, and let everything go ahead that can; release the lock."""
        if self._forked:
            return
        self._acquire()  # which this thread may hold already
        self._restore()
        hosts = list(self._hosts.values())
        self._release_wholly()
        for host in hosts:
            host.pending = False  # whoever set it may have been interrupted before it asked the loop
            host.ask()
        if self._errands:
            self._run_errands()

    def _restore(self) -> None:
        """Put back what was taken and not returned; derive the rest, and let everything go ahead that can."""
        untaken = self._untaken
        # One call moves them all, so no signal handler finds an item in between.
        last: Callable[[], T] = untaken.pop
        calls: Iterable[tuple[()]] = repeat(NOTHING, len(untaken))
        self._buffer.extendleft(starmap(last, calls))
        self._derive()
        self._count_departures()
        self._settle()
        self._dirty = False

    def _release_wholly(self) -> None:
        while True:
            try:
                self._release()
            except RuntimeError:  # this thread does not hold it any more
                break

    def _derive(self) -> None:
        """Derive queues and counts from the waits, and tell again whoever has been told."""
        waits = self._waits = {wait: None for wait in self._waits if not wait.left}
        for queue in (self._receivers, self._senders, self._joiners, self._closers):
            ours = [wait for wait in waits if wait.queue is queue]
            claims = sum([wait.claims() for wait in ours])
            most = len(self._buffer) if queue is self._receivers else claims
            queue.clear()
            queue.extend([wait for wait in ours if not wait.claimed])
            queue.stale = 0
            queue.woken = min(claims, most)
            queue.further = sum([wait.further() for wait in ours])
        for wait in waits:
            if wait.told():
                wait.bell.ring()

    # Event loops

    def _here(self) -> Host:
        """Return the host of the running loop."""
        host = self._host
        return host if host.loop is _get_running_loop() else self._attach()

    def _attach(self) -> Host:
        """Return the host of the running loop, which uses the channel from now on."""
        loop = _get_running_loop()
        if loop is None:
            return NO_HOST
        host = self._hosts.get(loop)
        if host is None:
            host = Host(loop, self._errands, WeakMethod(self._loop_ended))
            self._locked(partial(self._add_host, host))
            host.watch()
        self._host = host
        return host

    def _add_host(self, host: Host) -> None:
        self._hosts[host.loop] = host
        self._orphaned = ""

    def _loop_ended(self, host: Host) -> None:
        """Forget the tasks of a loop; what they were given passes on. With the last loop the channel closes."""
        self._locked(partial(self._forget, host))

    def _forget(self, host: Host) -> None:
        host.ended = True
        if self._hosts.get(host.loop) is host:
            if self._host is host:
                self._host = NO_HOST
            for wait in [wait for wait in self._waits if wait.runs_in(host)]:
                self._leave(wait)
            if len(self._hosts) == 1 and not self._lasting:
                self._orphaned = f"the last event loop that used {self!r} has ended: {host.loop!r}"
                self._shut(RuntimeError(self._orphaned))
                self._joiners.wake_all()
            self._settle()
            self._tickets = {each: kept for each, kept in self._tickets.items() if each.loop is not host.loop}
            del self._hosts[host.loop]

    def _look_at_loops(self) -> None:
        """Notice loops that were only closed, and what was not repaired. A thread that waits calls it."""
        for host in list(self._hosts.values()):
            if host.loop is not None and host.loop.is_closed():
                self._loop_ended(host)
        if self._dirty or self._errands:
            try:
                self._repair()
            except BaseException:
                self._mend()
                raise

    def _is_over(self, queue: WaitQueue) -> bool:
        """Return whether what the waits of this queue wait for has come: the close, or for joins the last item."""
        return self._closed and (queue is self._closers or not self._buffer)

    def _check_not_orphaned(self, queue: WaitQueue) -> None:
        if self._orphaned and queue is self._joiners and not self._is_over(queue):
            raise RuntimeError(self._orphaned)

    # Ends

    @override
    def _depart(self, end: OpenEnd, cause: BaseException | None, how: str) -> bool:
        departure = Departure(end, cause, how)
        try:
            self._departing.append(departure)
            self._locked(self._count_departures)
        except BaseException:
            try:
                self._mend()
            except BaseException:
                self._mend()
                raise
            raise
        return departure.closed

    @override
    def _depart_anywhere(self, end: OpenEnd, how: str) -> None:
        # The collector may call this in a thread that holds the lock of another channel, so it does not wait for this.
        departure = Departure(end, None, how)
        try:
            self._departing.append(departure)
            self._errands.append(partial(self._locked, self._count_departures))
            if self._acquire(False):
                self._release()
                self._run_errands()
        except BaseException:
            try:
                self._mend()
            except BaseException:
                self._mend()
                raise
            raise

    def _count_departures(self) -> None:
        """Count the ends no more that have left. It may be interrupted, and called again."""
        while self._departing:
            departure = self._departing[0]
            end = departure.end
            if not end.left:
                if not isinstance(departure.cause, end._no_fault):
                    self._note_cause(departure.cause)
                departure.last = end._count_down() == 0
                end.left = True  # no signal handler has run since it was counted
            if departure.last and self._shut(None):
                self._closed_by = departure.how
                departure.closed = True
            del self._departing[0]

    # Forks

    def _after_fork(self) -> None:
        """In the child: begin with a new lock, or refuse every call if a thread of the parent was in one."""
        if self._waits or not self._acquire(False):
            self._forked = True
            self._acquire = self._refuse
        else:
            self._unlock()
            self._hosts = {}
            self._host = NO_HOST
            self._errands = deque()

    def _refuse(self, blocking: bool = True) -> bool:
        raise RuntimeError(f"{self!r} was in use in another thread or task when this process was forked")
