"""What must be so whenever no section runs."""

from collections.abc import Iterator

from aiochannel import ThreadChannel
from aiochannel._core.waiters import WaitQueue
from aiochannel._threads.waits import Gathering, Wait


def held(channel: ThreadChannel[int]) -> bool:
    """Return whether this thread holds the lock."""
    try:
        channel._release()
    except RuntimeError:
        return False
    return True


def violations(channel: ThreadChannel[int], waits: list[Wait]) -> Iterator[str]:
    """Yield what is wrong; `waits` are all the calls that have begun to wait and have not gone on."""
    if held(channel):
        yield "the lock is held"
    if channel._dirty:
        yield "it is not repaired"
    if channel._untaken:
        yield f"{list(channel._untaken)} were not put back"
    if channel._departing:
        yield "an end has left and is counted"
    if list(channel._waits) != waits:
        yield f"registered are {len(channel._waits)} waits, not {len(waits)}"
    items, receivers, senders = len(channel._buffer), channel._receivers, channel._senders
    live = [wait for wait in waits if not wait.done() or wait.claimed]
    for queue in (receivers, senders, channel._joiners, channel._closers):
        yield from _queue(queue, [wait for wait in live if wait.queue is queue])
    if not channel._closed and receivers.woken != sum(wait.claims() for wait in live if wait.queue is receivers):
        yield f"{receivers.woken} items are promised"
    if not channel._closed and senders.woken != sum(wait.claims() for wait in live if wait.queue is senders):
        yield f"{senders.woken} slots are granted"
    if items > receivers.woken and any(not wait.claimed for wait in live if wait.queue is receivers):
        yield "an item that nobody was promised, and a receiver that waits"
    if channel._room() > 0 and any(not wait.claimed for wait in live if wait.queue is senders):
        yield "room, and a sender that waits"
    if len(channel._buffer) < channel._put_below and channel._room() <= 0:
        yield "a put would go ahead without room"
    if 0 < items <= receivers.woken and items > channel._get_above:
        yield "a get would take what is promised"
    if channel._closed:
        yield from _closed(channel, live)


def _queue(queue: WaitQueue, live: list[Wait]) -> Iterator[str]:
    unclaimed = [wait for wait in live if not wait.claimed]
    if [wait for wait in queue if not wait.done()] != unclaimed:
        yield f"{len(queue)} entries, and {len(unclaimed)} waits"
    if queue.further != sum(wait.further() for wait in unclaimed):
        yield f"{queue.further} further items are asked for"


def _closed(channel: ThreadChannel[int], live: list[Wait]) -> Iterator[str]:
    for wait in live:
        told = _is(wait.queue, channel)
        if told and not wait.claimed:
            yield "it is closed, and a call that waits was not told"
        if not channel._buffer and not wait.claimed:
            yield "it is drained, and a call that waits was not told"
        if isinstance(wait, Gathering) and wait.promised and not wait.claimed:
            yield "it is closed, and a batch waits for more"


def _is(queue: WaitQueue, channel: ThreadChannel[int]) -> bool:
    return queue is channel._senders or queue is channel._closers
