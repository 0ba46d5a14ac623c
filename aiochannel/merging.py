"""merge: several receivers as one async iterator."""

from collections.abc import AsyncIterator
from enum import Enum
from typing import Final, Generic, TypeVar, final

from aiochannel.cases import Case
from aiochannel.errors import ChannelClosed
from aiochannel.protocols import Receiver
from aiochannel.selection import select, select_any

T = TypeVar("T")


class _Ended(Enum):
    ENDED = "ended"


_ENDED: Final = _Ended.ENDED


def merge(*receivers: Receiver[T]) -> AsyncIterator[T]:
    """Iterate over the items of all the receivers as they come, each receiver's in their order.

    An item is taken when it is yielded and not before: what is not yielded is still in its channel, and back-pressure
    reaches every sender. Of several receivers that have an item one is chosen at random. The iteration ends when all
    the channels are closed and drained.

    Raises:
        TypeError: an argument is not a receiver.
        ChannelClosed: a receiver is the handle of an end that has left; or one of the channels is drained and was
            closed with a cause, which is `__cause__`. The iteration can go on with the others.

    Cancellation:
        Safe. A cancelled step has taken nothing, and the iteration goes on where it stopped.
    """
    for receiver in receivers:
        if not hasattr(receiver, "on_get"):
            raise TypeError(f"merge takes receivers, and not in a list: merge(first, second); {receiver!r} is none")
    return _Merge(list(receivers))


@final
class _Merge(Generic[T]):
    __slots__ = ("_sources",)

    def __init__(self, receivers: list[Receiver[T]]) -> None:
        self._sources = [_Source(receiver) for receiver in receivers]

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        while sources := self._sources:
            for source in sources:
                try:
                    source.on_get()
                except ChannelClosed:  # its end has left, but its case, made before that, would still get
                    self._remove(source)
                    raise
            position, item = await select_any([source.case_or_ended for source in sources])
            if item is not _ENDED:
                return item
            self._remove(sources[position])
            await sources[position].check_cause()
        raise StopAsyncIteration

    def _remove(self, source: "_Source[T]") -> None:
        # A new list: another task that iterates may be waiting with the old one.
        self._sources = [each for each in self._sources if each is not source]


@final
class _Source(Generic[T]):
    __slots__ = ("_case", "_receiver", "case_or_ended")

    def __init__(self, receiver: Receiver[T]) -> None:
        self._receiver = receiver
        self._case = receiver.on_get()
        self.case_or_ended: Case[T | _Ended] = self._case.or_closed(_ENDED)

    def on_get(self) -> Case[T]:
        return self._receiver.on_get()

    async def check_cause(self) -> None:
        """Raise ChannelClosed if the channel, which is drained, has a cause."""
        try:
            # The receiver would not name the cause if its end has left meanwhile.
            await select(self._case)
        except ChannelClosed as error:
            if error.__cause__ is not None:
                raise
