"""The hard cases: two to four tasks, each of which may be cancelled at any step, and a close at any step."""

from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial

from aiochannel import ChannelClosed, ChannelEmpty, Lag, select
from aiochannel.testing import Run
from tests.broadcast.world import Reader, World

Program = Callable[[Run], None]
Step = Callable[[], Coroutine[object, object, object]]

END = (ChannelClosed,)


def actors(run: Run, world: World, *, closes: bool = True, **steps: Step) -> None:
    """Add an actor for each keyword; with a close, so that nobody waits for ever for what was cancelled."""
    for name, step in steps.items():
        run.actor(name, step, expect=END)
    if closes:
        run.event("close", world.hub.close)
    world.watch(run)


async def each(times: int, step: Step) -> None:
    for _ in range(times):
        await step()


def granted_slot_comes_back(run: Run) -> None:
    """A put that was granted a slot is cancelled, while another waits for that very slot."""
    world = World(1)
    reader = world.subscribe()
    world.put_nowait()
    actors(run, world, P=world.put, Q=world.put, G=partial(each, 2, reader.get))


def slowest_of_two(run: Run) -> None:
    world = World(1)
    fast, slow = world.subscribe(), world.subscribe()
    world.put_nowait()
    actors(run, world, P=partial(world.put, 2), F=partial(each, 2, fast.get), S=partial(each, 2, slow.next))


def three_in_turn(run: Run) -> None:
    """Each of three becomes the obstacle."""
    world = World(1)
    readers = [world.subscribe() for _ in range(3)]
    world.put_nowait()

    async def take() -> None:
        for reader in readers:
            await reader.get()

    actors(run, world, P=world.put, Q=world.put, G=take, H=readers[1].get)


def room_beside_a_grant(run: Run) -> None:
    """There is more room than what is granted: for others, as far as it goes."""
    world = World(2)
    reader = world.subscribe()
    world.put_nowait()
    world.put_nowait()

    async def take_and_put() -> None:
        with suppress(ChannelEmpty):
            for _ in range(2):
                reader.get_nowait()
        for _ in range(2):
            world.try_put()

    actors(run, world, P=world.put, T=take_and_put, G=reader.get_many)


def different_sizes(run: Run) -> None:
    world = World(2)
    small, large = world.subscribe(1), world.subscribe(3)
    actors(run, world, P=partial(world.put, 3), S=partial(each, 2, small.get), L=large.get_many)


def fail(reader: Reader) -> None:
    """End the block of a subscription by an exception."""
    with suppress(ValueError), reader.entered():
        raise ValueError


def obstacle_leaves(run: Run) -> None:
    """The only one that has no room leaves while two puts wait: both go ahead, with nobody left."""
    world = World(1)
    reader = world.subscribe()
    world.put_nowait()
    run.event("leave", reader.leave)
    actors(run, world, closes=False, P=world.put, Q=world.put)


def obstacle_fails(run: Run) -> None:
    world = World(1)
    reader, other = world.subscribe(), world.subscribe(0)
    world.put_nowait()
    run.event("fail", partial(fail, reader))
    actors(run, world, closes=False, P=world.put, Q=world.put_many)
    run.at_rest(lambda: world.model.log == [1] or other.rx.qsize() == len(world.model.log))


def somebody_comes(run: Run) -> None:
    """Somebody subscribes while a put waits, and while one is granted and has not run."""
    world = World(1)
    reader = world.subscribe()
    world.put_nowait()

    async def come() -> None:
        with world.subscribe().entered() as late:
            await late.get()

    actors(run, world, P=partial(world.put, 2), G=partial(each, 2, reader.get), C=come)


def replayed_is_full(run: Run) -> None:
    """A subscription that begins full makes puts wait; when it leaves without a get, they go ahead."""
    world = World(2, replay=2)
    world.put_nowait()
    world.put_nowait()

    async def come() -> None:
        with world.subscribe().entered() as late:
            await run.outside(None)
            late.get_nowait()

    actors(run, world, P=partial(world.put, 2), Q=world.put, C=come)


def everybody_leaves(run: Run) -> None:
    """A put is granted, and nobody is left when it runs."""
    world = World(1)
    readers = [world.subscribe(), world.subscribe()]
    world.put_nowait()

    async def leave() -> None:
        for reader in readers:
            reader.get_nowait()
        for reader in readers:
            reader.leave()

    actors(run, world, P=world.put, Q=world.put, L=leave)


def workers(run: Run) -> None:
    """Several tasks get from one subscription."""
    world = World(1)
    shared, other = world.subscribe(), world.subscribe()
    actors(run, world, P=partial(world.put, 3), A=shared.get, B=shared.get, O=partial(each, 2, other.get_many))


def raises_between_wake_and_run(run: Run) -> None:
    """Two tasks wait on one subscription, and it lags before they have run."""
    world = World(1)
    reader = world.subscribe(1, Lag.RAISE)

    async def overflow() -> None:
        for _ in range(3):
            world.try_put()

    actors(run, world, A=reader.get, B=reader.get_many, P=overflow)


def lags_again(run: Run) -> None:
    """It lags again before it was told; and `missed` tells, so that no get raises."""
    world = World(1)
    reader = world.subscribe(1, Lag.RAISE)

    async def overflow() -> None:
        for _ in range(2):
            world.try_put()
            await run.outside(None)
            world.try_put()

    async def tell() -> None:
        reader.tell()
        await reader.get()

    actors(run, world, P=overflow, T=tell, G=reader.select)


def skips(run: Run) -> None:
    world = World(1)
    slow, steady = world.subscribe(2, Lag.SKIP), world.subscribe()
    actors(run, world, P=partial(world.put, 4), S=partial(each, 2, slow.get), G=partial(each, 3, steady.get))


def is_cut_off(run: Run) -> None:
    """A subscription is cut off in the step in which its receiver is woken: it takes the item, and then the end."""
    world = World(1)
    reader, other = world.subscribe(1, Lag.DISCONNECT), world.subscribe(0)
    run.event("leave", other.leave)
    run.event("leave too", reader.leave)

    async def overflow() -> None:
        for _ in range(3):
            world.try_put()

    actors(run, world, A=partial(each, 3, reader.get), P=overflow, W=world.hub.wait_unsubscribed)


def matched_with_itself(run: Run) -> None:
    """A select that puts, and gets from its own subscription, gives room which its own put must not take."""
    world = World(1)
    reader = world.subscribe()
    actors(
        run, world, P=partial(world.put, 2), S=partial(world.select_put_or_get, reader), G=partial(each, 2, reader.get)
    )


def two_matched_with_themselves(run: Run) -> None:
    world = World(1)
    first, second = world.subscribe(), world.subscribe()
    world.put_nowait()
    actors(
        run,
        world,
        S=partial(world.select_put_or_get, first),
        T=partial(world.select_put_or_get, second),
        F=partial(each, 2, first.get),
        G=second.get,
    )


def selects_put(run: Run) -> None:
    world = World(1)
    reader = world.subscribe()
    world.put_nowait()
    actors(run, world, S=world.select_put, T=world.select_put, G=reader.select, H=reader.next)


def join_waits(run: Run) -> None:
    """One subscription is drained, and one leaves with what it holds."""
    world = World(2)
    drains, leaves = world.subscribe(), world.subscribe()
    world.put_nowait()

    async def close_and_join() -> None:
        world.hub.close()
        await world.hub.join()
        assert leaves.left or not leaves.feed._buffer
        assert not drains.feed._buffer

    run.event("leave", leaves.leave)

    def drain() -> None:  # or else nobody does, if the actor was cancelled
        with suppress(ChannelClosed, ChannelEmpty):
            drains.get_nowait()

    run.event("drain", drain)
    actors(run, world, J=close_and_join, G=drains.get)


def waits_for_subscribers(run: Run) -> None:
    """Somebody comes and leaves in one step; nobody who waits for that hangs."""
    world = World(1)

    async def come() -> None:
        world.subscribe().leave()

    async def wait() -> None:
        await world.hub.wait_subscribed()
        await world.hub.wait_unsubscribed()

    actors(run, world, A=wait, B=wait, C=come)


def told_of_the_close(run: Run) -> None:
    world = World(1)
    reader = world.subscribe()
    world.put_nowait()

    async def put_or_end() -> None:
        item = world.item()
        taken, _ = await select(world.hub.on_put(item), world.hub.on_close())
        if taken == 0:
            world._accept(item)

    actors(run, world, S=put_or_end, W=world.hub.wait_closed, G=reader.get)


def get_waits_and_leaves(run: Run) -> None:
    """A get that waits on a subscription that leaves is told so."""
    world = World(1)
    reader = world.subscribe()
    run.event("leave", reader.leave)
    actors(run, world, closes=False, G=reader.get, M=reader.get_many)


PROGRAMS: dict[str, Program] = {
    program.__name__: program
    for program in (
        granted_slot_comes_back, slowest_of_two, room_beside_a_grant, three_in_turn, different_sizes,
        obstacle_leaves, obstacle_fails, somebody_comes, replayed_is_full, everybody_leaves, workers,
        raises_between_wake_and_run, lags_again, skips, is_cut_off, matched_with_itself, two_matched_with_themselves,
        selects_put, join_waits, waits_for_subscribers, told_of_the_close, get_waits_and_leaves,
    )
}  # fmt: skip
