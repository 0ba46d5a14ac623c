"""Call: a request that knows its caller, and `call`, which sends one and waits for the answer.

A `Call` and its caller share one future. The caller that goes away cancels it, and so the callee sees it; the callee
that answers sets it. A `Call` that nobody refers to any more answers by its finalizer. The caller keeps no reference to
the `Call`, and the future has none, so that the last reference is the callee's.

An error travels as a value, in a `Failure`, since asyncio complains of an exception that nobody has looked at. The
caller takes it out, so that no traceback keeps alive what refers to it.
"""

from asyncio import AbstractEventLoop, Future, InvalidStateError, _get_running_loop
from contextlib import suppress
from functools import partial
from reprlib import repr as short
from types import TracebackType
from typing import Generic, Self, TypeGuard, TypeVar, final

from aiochannel._core.moments import Moment
from aiochannel._core.newer_typing import override
from aiochannel._core.waiters import WaitQueue
from aiochannel.cases import Case
from aiochannel.errors import NoReply
from aiochannel.protocols import Sender

Q = TypeVar("Q")
R = TypeVar("R")
Q_co = TypeVar("Q_co", covariant=True)
R_contra = TypeVar("R_contra", contravariant=True)


async def call(calls: Sender["Call[Q, R]"], request: Q, /) -> R:
    """Put a Call with this request, and wait for its answer.

    `asyncio.timeout` around it is the way to give up. Then the Call is abandoned, and the callee can see it.

    Raises:
        ChannelClosed: the channel is closed; the Call is not in it.
        NoReply: the callee will not answer: it dropped the Call, or was cancelled over it.
        Exception: the error with which the callee answered, as the object that it is.

    Cancellation:
        Safe. If the put had not gone ahead, the Call is not in the channel and never will be. Else it is abandoned: the
        callee may be at work on it, and its answer goes nowhere.
    """
    waiter: Future[R | Failure] = Future()
    try:
        await calls.put(Call(request, waiter))
        del calls  # a channel that everybody else drops, with the Call in it, must go
        answer = await waiter
    except BaseException:
        try:
            _abandon(waiter)
        except BaseException:  # raised by a signal handler
            _abandon(waiter)
            raise
        raise
    if not isinstance(answer, Failure):
        return answer
    error = answer.take()
    try:
        raise error
    finally:
        del error  # its traceback refers to this frame


@final
class Call(Generic[Q_co, R_contra]):
    """A request of type `Q`, whose caller waits for an answer of type `R`. Made by `call`.

    The callee takes it from a channel, works on it in a `with` block, and answers by `reply` or `fail`; the first
    answer counts. It need not answer within the block or the task: it may pass the Call on, and then uses no block.
    A caller is never left waiting: a Call that is dropped without an answer, wherever that is, answers NoReply.

    Example:
        ```python
        async def measure(calls: Receiver[Call[str, int]]) -> None:
            async for each in calls:
                with each:
                    each.reply(len(each.request))
        ```
    """

    __slots__ = ("__weakref__", "_abandonment", "_request", "_waiter")

    def __init__(self, request: Q_co, waiter: "Future[R_contra | Failure]") -> None:
        self._request = request
        self._waiter = waiter
        self._abandonment: Abandonment | None = None

    @property
    def request(self) -> Q_co:
        """What the caller asks for."""
        return self._request

    def reply(self, result: R_contra, /) -> bool:
        """Answer with the result, and return whether the caller was waiting for that.

        False: the caller has gone, or was answered before. Then this has done nothing.

        Raises:
            RuntimeError: the caller's event loop runs in another thread. The caller goes on waiting.
        """
        waiter = self._waiter
        if _get_running_loop() is not (loop := waiter.get_loop()) and self._is_lost(loop):
            return False
        try:
            waiter.set_result(result)
        except InvalidStateError:  # cancelled or answered
            return False
        return True

    def fail(self, error: Exception, /) -> bool:
        """Answer with an error, which `call` raises, and return whether the caller was waiting for that.

        Raises:
            TypeError: it is not an Exception, or a StopIteration, which no coroutine can raise.
            RuntimeError: the caller's event loop runs in another thread. The caller goes on waiting.
        """
        if not _is_answer(error):
            raise TypeError(f"the answer must be an Exception, and not a StopIteration, not {error!r}")
        return self._fail(error)

    def abandoned(self) -> bool:
        """Return whether the caller has gone, by a cancellation or with its event loop, before it was answered."""
        waiter = self._waiter
        return waiter.cancelled() or (not waiter.done() and waiter.get_loop().is_closed())

    def on_abandoned(self) -> Case[None]:
        """Return a case for `select` that can go ahead when the caller has gone: stop the work."""
        if self._abandonment is None:
            self._abandonment = Abandonment(self._waiter)
        return Case(self._abandonment)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        """Answer, if nobody has: with the Exception that ended the block, or else NoReply.

        An Exception that has become the answer, or whose caller has gone, is not raised on. Anything else is: an
        Exception after an answer, a cancellation.
        """
        if exc is None and self._waiter.done():
            return False
        if _is_answer(exc):
            return self._fail(exc) or self.abandoned()
        self._go_unanswered("ended its block without an answer", exc)
        return False

    def __del__(self) -> None:
        try:
            waiter = self._waiter
        except AttributeError:  # a signal handler has raised before it was made
            return
        try:
            if not waiter.done():
                self._go_unanswered("was dropped without an answer")
        except BaseException:  # raised by a signal handler
            self._go_unanswered("was dropped without an answer")
            raise

    @override
    def __repr__(self) -> str:
        state = "abandoned" if self.abandoned() else "answered" if self._waiter.done() else "waiting"
        return f"<Call {short(self._request)} {state}>"

    @override
    def __reduce__(self) -> str:
        raise TypeError(f"cannot pickle or copy {self!r}: its caller waits in this process")

    def _fail(self, error: Exception) -> bool:
        loop = self._waiter.get_loop()
        if _get_running_loop() is not loop and self._is_lost(loop):
            return False
        return _fail(self._waiter, error)

    def _is_lost(self, loop: AbstractEventLoop) -> bool:
        """Return whether the caller's event loop was closed; refuse to wake it from another thread."""
        if loop.is_running():
            raise RuntimeError(f"{self!r} is not thread-safe, and its caller waits in another thread")
        return loop.is_closed()

    def _go_unanswered(self, how: str, cause: BaseException | None = None) -> None:
        """Answer NoReply, in whatever thread this is, since the collector runs in any."""
        loop = self._waiter.get_loop()
        error = NoReply(f"{self!r} {how}")
        error.__cause__ = cause
        if _get_running_loop() is loop:
            _fail(self._waiter, error)
        else:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(_fail, self._waiter, error)


@final
class Failure:
    """An answer that is an error."""

    __slots__ = ("_error",)

    def __init__(self, error: Exception) -> None:
        self._error: list[Exception] = [error]

    def take(self) -> Exception:
        """Return the error, once."""
        return self._error.pop()

    def clear(self) -> None:
        """Drop the error."""
        self._error.clear()


def _is_answer(error: object) -> TypeGuard[Exception]:
    return isinstance(error, Exception) and not isinstance(error, StopIteration)


def _fail(waiter: "Future[R | Failure]", error: Exception) -> bool:
    """Answer with an error, if the caller is there, and return whether it was waiting for that."""
    try:
        waiter.set_result(Failure(error))
    except InvalidStateError:  # cancelled or answered
        return False
    return True


def _abandon(waiter: "Future[R | Failure]") -> None:
    """Note that the caller has gone, or take out the error that it does not look at any more."""
    if waiter.get_loop().is_closed():
        return
    waiter.cancel()
    if not waiter.cancelled() and isinstance(answer := waiter.result(), Failure):
        answer.clear()


@final
class Abandonment(Moment):
    """It has come when the caller has gone."""

    __slots__ = ("_queue", "_waiter")

    def __init__(self, waiter: "Future[R | Failure]") -> None:
        self._waiter = waiter
        self._queue: WaitQueue | None = None

    @override
    def has_come(self) -> bool:
        return self._waiter.cancelled()

    @override
    def queue_in(self, loop: AbstractEventLoop, /) -> WaitQueue:
        own = self._waiter.get_loop()
        if loop is not own:
            raise RuntimeError(f"the caller waits in the event loop {own!r}; a task of {loop!r} cannot watch it")
        if self._queue is None:
            queue = WaitQueue()
            self._waiter.add_done_callback(partial(_tell, queue))  # which does not refer to the future
            self._queue = queue
        return self._queue


def _tell(queue: WaitQueue, waiter: "Future[object]") -> None:
    if waiter.cancelled():
        try:
            queue.wake_all()
        except BaseException:  # raised by a signal handler
            queue.wake_all()
            raise
