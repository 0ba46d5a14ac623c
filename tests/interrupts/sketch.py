"""Two channels with faults that only an interruption shows. This file counts as the package, to test the instrument."""

from typing_extensions import override

from aiochannel import Channel


class CountsFirst(Channel[str]):
    """It counts an item before it has it."""

    count = 0

    @override
    def put_nowait(self, item: str, /) -> None:
        if not self.full():
            self.count += 1
            pause()
        super().put_nowait(item)

    @override
    def get_nowait(self) -> str:
        item = super().get_nowait()
        self.count -= 1
        return item

    @override
    def qsize(self) -> int:
        return self.count


class TurnsAway(Channel[str]):
    """It drops an item that is put in the middle of a put."""

    busy = False

    @override
    def put_nowait(self, item: str, /) -> None:
        if not self.busy:
            self.busy = True
            pause()
            self.busy = False
            super().put_nowait(item)


def pause() -> None:
    """Be a place."""
