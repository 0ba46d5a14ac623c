"""merge: several receivers as one async iterator."""

from collections.abc import AsyncIterator
from enum import Enum
from typing import Final, Generic, TypeVar, final

from aiochannel.errors import ChannelClosed
from aiochannel.protocols import Receiver
from aiochannel.selection import select_any

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
        ChannelClosed: one of the channels is drained and was closed with a cause, which is `__cause__`. The iteration
            can go on with the others.

    Cancellation:
        Safe. A cancelled step has taken nothing, and the iteration goes on where it stopped.
    """
    return _Merge(list(receivers))


@final
class _Merge(Generic[T]):
    __slots__ = ("_sources",)

    def __init__(self, receivers: list[Receiver[T]]) -> None:
        self._sources = [(receiver, receiver.on_get().or_closed(_ENDED)) for receiver in receivers]

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        while sources := self._sources:
            position, item = await select_any([case for _, case in sources])
            if item is not _ENDED:
                return item
            ended = sources[position]
            # A new list: another task that iterates may be waiting with the old one.
            self._sources = [source for source in self._sources if source is not ended]
            await _check_cause(ended[0])
        raise StopAsyncIteration


async def _check_cause(ended: Receiver[object]) -> None:
    try:
        await ended.get()
    except ChannelClosed as error:
        if error.__cause__ is not None:
            raise
