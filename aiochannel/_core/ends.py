"""Counted ends: an open end keeps the channel open, and the last one of its side to leave closes it."""

from abc import abstractmethod
from asyncio import CancelledError, _get_running_loop
from reprlib import Repr
from typing import TYPE_CHECKING, ClassVar, Final, NoReturn, final

from aiochannel._core.closing import Closable
from aiochannel._core.newer_typing import override
from aiochannel.errors import source

CLOSE: Final = "closed by close()"
ABORT: Final = "closed by abort()"
"""What can close a channel beside its ends. The message of ChannelClosed says what did."""

_short = Repr()
_short.maxother = 100


def told(why: str, cause: BaseException | None) -> str:
    """Return what the message of ChannelClosed says of what closed it, with the cause, if any."""
    return why if cause is None else f"{why}, from {_short.repr(source(cause))}"


class Counted(Closable):
    """What has counted ends."""

    __slots__ = ("_closed_by", "_open_receivers", "_open_senders", "_opened_receivers", "_opened_senders")

    _closed_by: str
    """What closed it, for the message of ChannelClosed; `{senders}` stands for `_opened_senders`."""
    _cause: BaseException | None
    _open_senders: int
    _open_receivers: int
    _opened_senders: int
    _opened_receivers: int

    if not TYPE_CHECKING:  # so a checker reports the mistake, too

        def __enter__(self, *_how: object) -> NoReturn:
            raise TypeError(f"{self!r} is closed by no block; an end of it is: with channel.open_sender() as sender")

        __exit__ = __aenter__ = __aexit__ = __enter__

    def _why(self) -> str:
        """Say what closed the channel."""
        why = self._closed_by.format(senders=self._opened_senders, receivers=self._opened_receivers)
        return told(why, self._cause)

    @abstractmethod
    def _shut(self, cause: BaseException | None) -> bool:
        """Close, for ever, and return whether this call did it."""

    @abstractmethod
    def _note_cause(self, cause: BaseException | None) -> None:
        """Keep the cause for the close to come, if it is the first."""

    def _depart(self, end: "OpenEnd", cause: BaseException | None, how: str) -> bool:
        """Let an end leave, if it has not left, with what ended its use; return whether that closed the channel."""
        return end._claim() and self._go(end, cause, how)

    def _depart_anywhere(self, end: "OpenEnd", how: str) -> None:
        """As `_depart`, in whatever thread this is."""
        if not end._claim():
            return
        loop = self._loop
        if loop is not None and self._is_elsewhere():
            try:
                loop.call_soon_threadsafe(self._go, end, None, how)
            except RuntimeError:  # it is closed, so nobody has to be woken
                pass
            else:
                return
        self._go(end, None, how)

    def _go(self, end: "OpenEnd", cause: BaseException | None, how: str) -> bool:
        if not isinstance(cause, end._no_fault):
            self._note_cause(cause)
        # Count first: a signal handler may let another end leave in between, and one of the two must find itself last.
        if end._count_down() == 0 and self._shut(None):
            self._closed_by = how
            return True
        return False


class OpenEnd:
    """One end that counts, from `open` until it leaves. It leaves once."""

    __slots__ = ("_counted", "left")

    _left_text: ClassVar[str]
    _dropped_text: ClassVar[str]
    _no_fault: ClassVar[tuple[type[BaseException], ...]]
    """How the use of an end may stop without a fault: these are no causes."""

    def __init__(self, counted: Counted) -> None:
        self._counted = counted
        self.left: bool = True

    @abstractmethod
    def open(self) -> None:
        """Count from now on. Whoever makes an end calls this last, when something can let it leave again."""

    def leave(self, cause: BaseException | None) -> bool:
        """Leave, with what ended the use of it; return whether that closed the channel.

        Raises RuntimeError, before anything has changed, in another thread than that of the tasks that wait.
        """
        counted = self._counted
        if not self.left and _get_running_loop() is not counted._loop:
            counted._check_loop()
        return counted._depart(self, cause, self._left_text)

    def leave_anywhere(self) -> None:
        """Leave in whatever thread this is. The collector ends a block, too, and it runs in any thread."""
        self._counted._depart_anywhere(self, self._left_text)

    def drop(self) -> None:
        """Leave, since nobody has the end any more, in whatever thread this is."""
        self._counted._depart_anywhere(self, self._dropped_text)

    def _claim(self) -> bool:
        """Return whether the end has still to leave; then the caller does that."""
        left, self.left = self.left, True  # in one step, since a signal handler may call `leave` too
        return not left

    @abstractmethod
    def _count_down(self) -> int:
        """Count this end no more; return how many are open."""


@final
class OpenSender(OpenEnd):
    """An open sending end. A cancelled sender may have left data out, so its cancellation is a cause."""

    __slots__ = ()

    _left_text = "the last sending end (of {senders}) left"
    _dropped_text = "a sending end was dropped without being entered (by: with channel.open_sender() as sender)"
    _no_fault: ClassVar[tuple[type[BaseException], ...]] = (GeneratorExit,)

    @override
    def open(self) -> None:
        self.left = False
        self._counted._open_senders += 1
        self._counted._opened_senders += 1

    @override
    def _count_down(self) -> int:
        self._counted._open_senders -= 1
        return self._counted._open_senders


@final
class OpenReceiver(OpenEnd):
    """An open receiving end."""

    __slots__ = ()

    _left_text = "the last receiving end (of {receivers}) left"
    _dropped_text = "a receiving end was dropped without being entered (by: with channel.open_receiver() as receiver)"
    _no_fault: ClassVar[tuple[type[BaseException], ...]] = (GeneratorExit, CancelledError)

    @override
    def open(self) -> None:
        self.left = False
        self._counted._open_receivers += 1
        self._counted._opened_receivers += 1

    @override
    def _count_down(self) -> int:
        self._counted._open_receivers -= 1
        return self._counted._open_receivers
