"""Line: a connection on which many calls are under way at a time. Replies come in the order of the calls.

Calls of one step of the loop go out in one write. A call that nobody waits for any more still has its reply, which is
dropped. When the connection is lost, every call is answered with GONE.
"""

from asyncio import AbstractEventLoop, Future, Task, create_task, get_running_loop
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Final

from aiochannel.redis.wire import Argument, Denied, Lost, Refusal, Reply, Wire

GONE: Final = Refusal("GONE", "the connection is lost")


class Line:
    """A connection, and the calls on it."""

    def __init__(self, wire: Wire, over: Callable[[], None], push: Callable[[list[Reply]], None] | None = None) -> None:
        self.heard: int = 0
        """How many replies and pushes have come."""
        self.denial: str | None = None
        """Why the server wants no more of us."""
        self._wire = wire
        self._over = over
        """Called when the connection is lost."""
        self._push = push
        """Called with each push, on a line that has them."""
        self._loop: AbstractEventLoop = get_running_loop()
        self._waiting: deque[Future[Reply]] = deque()
        self._outgoing: list[bytes] = []
        self._idle: Future[None] | None = None
        self._tasks: list[Task[None]] = []
        self._ended = False

    @property
    def in_flight(self) -> int:
        """How many calls are not answered yet."""
        return len(self._waiting)

    async def open(self) -> None:
        """Connect.

        Raises:
            Lost, Denied: that failed.

        Cancellation:
            The line is to be ended.
        """
        await self._wire.connect()
        if self._ended:  # meanwhile: the other connection of its hub has failed
            self._wire.cut()
            raise Lost
        self._tasks = [create_task(self._run(self._write())), create_task(self._run(self._read()))]

    def call(self, *command: Argument) -> "Future[Reply]":
        """Send a command; return its reply."""
        answer: Future[Reply] = self._loop.create_future()
        if self._ended:
            answer.set_result(GONE)
            return answer
        self._outgoing += self._wire.pack(*command)
        self._waiting.append(answer)
        if self._idle is not None and not self._idle.done():
            self._idle.set_result(None)
        return answer

    async def all(self, commands: Sequence[Sequence[Argument]]) -> list[Reply]:
        """Send commands together; return their replies.

        Raises:
            Lost, Denied: the connection is lost.

        Cancellation:
            The commands have been sent.
        """
        replies = [await answer for answer in [self.call(*command) for command in commands]]
        if self.denial is not None:
            raise Denied(self.denial)
        if GONE in replies:
            raise Lost
        return replies

    async def _run(self, work: Coroutine[object, None, None]) -> None:
        try:
            await work
        except Lost:
            pass
        except Denied as error:
            self.denial = str(error)
        finally:
            self.end()
            self._over()

    async def _write(self) -> None:
        while True:
            if not self._outgoing:
                self._idle = self._loop.create_future()
                await self._idle
            parts, self._outgoing = self._outgoing, []
            await self._wire.write(parts)

    async def _read(self) -> None:
        while True:
            reply = await self._wire.read()
            self.heard += 1
            if self._push is not None and isinstance(reply, list) and reply[0] == b"smessage":
                self._push(reply)
            elif self._waiting:
                answer = self._waiting.popleft()
                if not answer.done():
                    answer.set_result(reply)
            else:  # such as the end of a subscription that nobody asked for: the slot has moved
                raise Lost

    def end(self) -> None:
        """Cut the connection; every call under way is answered with GONE. It may be called more than once."""
        self._ended = True
        self._wire.cut()
        for task in self._tasks:
            task.cancel()
        while self._waiting:
            answer = self._waiting.popleft()
            if not answer.done():
                answer.set_result(GONE)

    def drop(self) -> None:
        """Close this copy of the connection, in a forked child: whoever waits is in the parent."""
        self._wire.cut()
