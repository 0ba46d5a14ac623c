"""How a run ends: who is stuck, what is left in the channels, and whether they are freed."""

from functools import partial
from typing import Final
from weakref import ref

from tests.explore.verbs import Subject
from tests.explore.world import World
from tests.model.record import Call, see

PROBE: Final = "~"  # the lane that the calls of the probe are noted under


def finish(world: World) -> None:
    """Nothing happens by itself any more: note who is stuck, cancel them, and probe what is left."""
    world.stuck = list(world.recorder.open)
    world.at_rest = {name: see(channel) for name, channel in world.channels.items()}
    world.look()
    world.rest_place = len(world.recorder.events)
    leave(world)
    world.emptied = {name: see(channel) for name, channel in world.channels.items()}
    for name, channel in world.channels.items():
        _probe(world, name, channel)
        world.look()


def leave(world: World) -> None:
    """Cancel what still waits, and let it end."""
    for lane in world.lanes:
        if lane.task is not None and not lane.task.done():
            lane.task.cancel()
        if lane.handle is not None and lane.task is not None:
            world.loop.ready.append(lane.handle)
            lane.handle = None
    world.run_dry()


def _probe(world: World, name: str, channel: Subject) -> None:
    """Drain the channel, fill it, close it, drain it again; each call says what it finds."""
    now = world.recorder.now
    more = max(world.program.size, 0) + 1
    get = Call(PROBE, "get_nowait", None, name)
    items = [f"{PROBE}{number}" for number in range(more + 1)]
    for _ in range(channel.qsize() + 1):
        now(get, channel.get_nowait)
    for item in items[:-1]:
        now(Call(PROBE, "put_nowait", item, name), partial(channel.put_nowait, item))
    now(Call(PROBE, "close", None, name), channel.close)
    now(Call(PROBE, "put_nowait", items[-1], name), partial(channel.put_nowait, items[-1]))
    for _ in range(more + 1):
        now(get, channel.get_nowait)
    joining = world.loop.create_task(world.recorder.wait(Call(PROBE, "join", None, name), channel.join()))
    world.run_dry()
    joining.cancel()
    world.run_dry()


def let_go(world: World) -> None:
    """Drop every reference to the channels: what they leave behind in futures is heard now, and they are freed."""
    dropped = {name: ref(channel) for name, channel in world.channels.items()}
    world.channels.clear()
    # A cause is kept by its channel, and asyncio's TaskGroup keeps what it raises: without the frames, it may.
    for error in world.left_by:
        error.__traceback__ = None
    world.left_by.clear()
    for lane in world.lanes:
        lane.task = None
        lane.tx.clear()
        lane.rx.clear()
    world.recorder.forget()
    world.kept = [name for name, channel in dropped.items() if channel() is not None]
