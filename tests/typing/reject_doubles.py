"""Doubles that are not quite a sender or a receiver, and subclasses that are not quite a channel."""

from collections.abc import AsyncIterator, Iterable, Sequence

from typing_extensions import override

from aiochannel import Case, Channel, Receiver, Sender


class Looking:
    @property
    def maxsize(self) -> int:
        return 0

    def qsize(self) -> int:
        return 0

    def closed(self) -> bool:
        return False

    async def join(self) -> None: ...


class HalfASender(Looking):
    def full(self) -> bool:
        return False

    def put_nowait(self, item: int, /) -> None: ...

    async def put_many(self, items: Iterable[int], /) -> None: ...

    async def wait_closed(self) -> None: ...

    def on_put(self, item: int, /) -> Case[None]:
        return Channel[int]().on_put(item)

    def on_close(self) -> Case[None]:
        return Channel[int]().on_close()


class Sending(HalfASender):
    async def put(self, item: int, /) -> None: ...

    def close(self, cause: BaseException | None = None) -> bool:
        return cause is None


class PutDoesNotWait(HalfASender):
    def put(self, item: int, /) -> None: ...

    def close(self, cause: BaseException | None = None) -> bool:
        return cause is None


class CloseTakesNoCause(HalfASender):
    async def put(self, item: int, /) -> None: ...

    def close(self) -> bool:
        return False


class NoIteration(Looking):
    def empty(self) -> bool:
        return False

    async def get(self) -> int:
        return 0

    def get_nowait(self) -> int:
        return 0

    async def get_many(self, limit: int, /, *, within: float | None = None) -> Sequence[int]:
        return [0] * limit

    def get_many_nowait(self, limit: int | None = None, /) -> Sequence[int]:
        return [0] * (limit or 1)

    def on_get(self) -> Case[int]:
        return Channel[int]().on_get()


class NoStep(NoIteration):
    async def __aiter__(self) -> AsyncIterator[int]:
        yield 0


class Receiving(NoStep):
    async def __anext__(self) -> int:
        return 0


class StepDoesNotWait(NoStep):
    def __anext__(self) -> int:
        return 0


class IterationDoesNotWait(NoIteration):
    def __iter__(self) -> "IterationDoesNotWait":
        return self

    def __next__(self) -> int:
        return 0


def wants_sender(_tx: Sender[int]) -> None: ...
def wants_receiver(_rx: Receiver[int]) -> None: ...


def wrong_side(sending: Sending, receiving: Receiving) -> None:
    wants_sender(sending)
    wants_receiver(receiving)
    wants_receiver(sending)  # E: a double of a sender passed as a receiver
    wants_sender(receiving)  # E: a double of a receiver passed as a sender


def wrong_items(sending: Sending, receiving: Receiving) -> None:
    tx: Sender[str] = sending  # E: a double for other items passed as a sender
    rx: Receiver[str] = receiving  # E: a double for other items passed as a receiver
    _ = tx, rx


def not_quite_a_side(half: HalfASender, tx: PutDoesNotWait, ty: CloseTakesNoCause) -> None:
    wants_sender(half)  # E: a double without put and close
    wants_sender(tx)  # E: a double whose put is not async
    wants_sender(ty)  # E: a double whose close takes no cause


def not_quite_the_other_side(rx: NoIteration, ry: IterationDoesNotWait) -> None:
    wants_receiver(rx)  # E: a double that cannot be iterated
    wants_receiver(ry)  # E: a double whose iteration is not async


def not_quite_an_iterator(rx: NoStep, ry: StepDoesNotWait) -> None:
    wants_receiver(rx)  # E: a double that is iterable but no iterator
    wants_receiver(ry)  # E: a double whose step is not async


class OtherResult(Channel[int]):
    @override
    def qsize(self) -> str:  # E: a subclass that changes the result of a method
        return "1"


class OtherItem(Channel[int]):
    @override
    async def put(self, item: str, /) -> None: ...  # E: a subclass that changes the item of put


class NewMethod(Channel[int]):
    @override
    def size(self) -> int:  # E: override of a method that Channel does not have
        return 1
