"""The channel beside the reference machine: any sequence of calls, cancels and steps of the loop has the same results.

The rules are synchronous and own the loop. A task that is started, woken or cancelled does not run before a rule lets
the loop make a pass, so that every rule meets the others halfway. The record of the calls, not a guess at what the loop
does, drives the reference machine; so all loops are held to the same, whatever order they run tasks in.

As a test this runs for seconds and always the same; `python -m tests.model` runs for minutes and at random.
"""

import asyncio
import sys
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractContextManager, suppress
from functools import partial
from itertools import product
from typing import ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from typing_extensions import override

from aiochannel import (
    Case,
    Channel,
    ChannelClosed,
    Overflow,
    PriorityChannel,
    Receiver,
    Sender,
    otherwise,
    select_any,
)
from tests.budgets import SHIPPED, SMALL
from tests.conftest import ClockedLoop
from tests.ledger import Ledger
from tests.model.machines import LoopMachine, places
from tests.model.record import Call, CoroutineLike, Follower, Recorder, as_plain, mismatch, see
from tests.model.reference import RENDEZVOUS, WAITS, Reference
from tests.model.selects import CaseText, Failed

T = TypeVar("T")

SIZES = (0, 1, 2, RENDEZVOUS)
POLICIES = tuple(policy.name for policy in Overflow if policy is not Overflow.WAIT)
WAIT_FOR = 0.5  # this timeout is one of wait_for, the others of asyncio.timeout
Coro = Coroutine[object, object, object]

COMMON = settings(deadline=None, suppress_health_check=list(HealthCheck), stateful_step_count=40)
CHECK = settings(COMMON, max_examples=150, derandomize=True, database=None)
PROVE = settings(COMMON, max_examples=2000, stateful_step_count=60, print_blob=True)

items = st.one_of(st.none(), st.just(0), st.just(""), st.integers(min_value=1))
causes = st.sampled_from(["", "why", "wherefore"])
texts = st.builds(
    CaseText,
    st.sampled_from(["a", "b"]),
    st.sampled_from(["get", "get", "put", "otherwise", "closed"]),
    items,
    st.booleans(),
    st.sampled_from(["", "", "map", "fail"]),
)
few = st.integers(min_value=1, max_value=3)


class Crash(Exception):
    """A cause."""


class ChannelMachine(LoopMachine):
    eager: ClassVar[bool] = False
    totals: ClassVar[Counter[str]] = Counter()

    @initialize(
        size=st.sampled_from([0, 1, 1, 2, 3, RENDEZVOUS]),
        rests=st.booleans(),
        policy=st.sampled_from(["", "", "", *POLICIES]),
        quiet=st.booleans(),
    )
    def make(self, size: int, *, rests: bool = False, policy: str = "", quiet: bool = False) -> None:
        policy = policy if size > 0 else ""
        (SMALL if rests and not policy else SHIPPED).apply()  # its batches let others run between their items
        self.recorder = Recorder()
        self.open_loop()
        self.dropped: list[object] = []
        self.quiet = quiet
        self.channel: Channel[object] | PriorityChannel[object]
        if policy:
            on_drop = None if quiet else self.dropped.append
            self.channel = Channel[object](size, overflow=Overflow[policy], on_drop=on_drop)
        else:
            self.channel = Channel[object].rendezvous() if size == RENDEZVOUS else Channel[object](size)
        self.other = Channel[object](1)  # what a select has beside the channel
        self.follower = Follower({"a": Reference(size, policy), "b": Reference(1)})
        self.lost: list[asyncio.Task[object]] = []
        self.calls_lost = -1  # how many calls had begun when the last loop was lost
        self.senders: dict[str, tuple[AbstractContextManager[Sender[object]], Sender[object]]] = {}
        self.receivers: dict[str, tuple[AbstractContextManager[Receiver[object]], Receiver[object]]] = {}
        self.left: set[str] = set()

    @override
    def open_loop(self) -> None:
        super().open_loop()
        self.made: list[asyncio.Task[object]] = []  # the tasks, and what they make
        self.loop.set_task_factory(self.make_task)

    def make_task(self, loop: asyncio.AbstractEventLoop, coro: CoroutineLike[T], **_: object) -> asyncio.Task[T]:
        task = self.recorder.task(loop, coro, eager=self.eager)
        self.made.append(task)
        return task

    # Calls that may wait.

    def start(self, verb: str, value: object, timeout: float | None, call: Callable[[], Coro], end: str = "") -> None:
        lane = f"task {len(self.tasks)}"

        async def wait() -> None:
            with suppress(ChannelClosed, StopAsyncIteration, Failed):
                await self.recorder.wait(Call(lane, verb, value, "a", end), call())

        async def body() -> None:
            with suppress(TimeoutError):
                if timeout == WAIT_FOR:
                    await asyncio.wait_for(wait(), timeout)
                else:
                    async with asyncio.timeout(timeout):
                        await wait()

        with self.inside():
            self.tasks.append(self.loop.create_task(body()))

    def sender(self, place: int) -> tuple[str, Sender[object]]:
        """The channel itself, mostly, or one of the ends opened so far, those that have left included."""
        names = list(self.senders)
        return (names[place], self.senders[names[place]][1]) if place < len(names) else ("", self.channel)

    def receiver(self, place: int) -> tuple[str, Receiver[object]]:
        names = list(self.receivers)
        return (names[place], self.receivers[names[place]][1]) if place < len(names) else ("", self.channel)

    timeouts = st.sampled_from([None, None, None, 0, WAIT_FOR, 1])

    @rule(item=items, timeout=timeouts, place=places)
    def put(self, item: object, timeout: float | None, place: int) -> None:
        end, side = self.sender(place)
        self.start("put", item, timeout, lambda: side.put(item), end)

    @rule(batch=st.lists(items, min_size=1, max_size=3).map(tuple), timeout=timeouts, place=places)
    def put_many(self, batch: tuple[object, ...], timeout: float | None, place: int) -> None:
        end, side = self.sender(place)
        self.start("put_many", batch, timeout, lambda: side.put_many(iter(batch)), end)

    @rule(timeout=timeouts, place=places)
    def get(self, timeout: float | None, place: int) -> None:
        end, side = self.receiver(place)
        self.start("get", None, timeout, lambda: side.get(), end)  # noqa: PLW0108  # looked up when the task runs

    @rule(timeout=timeouts, place=places)
    def next(self, timeout: float | None, place: int) -> None:
        end, side = self.receiver(place)

        async def step() -> object:
            return await anext(aiter(side))

        self.start("next", None, timeout, step, end)

    @rule(limit=few, timeout=timeouts, place=places)
    def get_many(self, limit: int, timeout: float | None, place: int) -> None:
        end, side = self.receiver(place)

        async def all_of_it() -> object:
            return tuple(await side.get_many(limit))

        self.start("get_many", limit, timeout, all_of_it, end)

    @rule(limit=few, within=st.sampled_from([0.5, 1]), timeout=timeouts, place=places)
    def batch(self, limit: int, within: float, timeout: float | None, place: int) -> None:
        end, side = self.receiver(place)

        async def all_of_it() -> object:
            return tuple(await side.get_many(limit, within=within))

        self.start("batch", limit, timeout, all_of_it, end)

    @rule(timeout=timeouts, place=places)
    def wait_closed(self, timeout: float | None, place: int) -> None:
        end, side = self.sender(place)
        self.start("wait_closed", None, timeout, lambda: side.wait_closed(), end)  # noqa: PLW0108  # as get

    @rule(timeout=timeouts)
    def join(self, timeout: float | None) -> None:
        self.start("join", None, timeout, self.channel.join)

    # Selecting.

    @rule(cases=st.lists(texts, min_size=1, max_size=4), timeout=timeouts)
    def select(self, cases: list[CaseText], timeout: float | None) -> None:
        self.start("select", tuple(cases), timeout, lambda: select_any(map(self.case, cases), biased=True))

    def case(self, text: CaseText) -> Case[object]:
        channel = {"a": self.channel, "b": self.other}[text.channel]
        case: Case[object] = channel.on_put(text.item) if text.verb == "put" else channel.on_get()
        if text.verb == "closed":
            case = channel.on_close()
        elif text.verb == "otherwise":
            case = otherwise()
        if text.mapped and text.verb != "otherwise":
            case = case.map(text.change)
        return case.or_closed("instead") if text.or_closed else case

    @rule(item=items)
    def put_nowait_other(self, item: object) -> None:
        self.now("put_nowait", item, partial(self.other.put_nowait, item), channel="b")

    @rule()
    def get_nowait_other(self) -> None:
        self.now("get_nowait", None, self.other.get_nowait, channel="b")

    @precondition(lambda self: len(self.tasks) > 6)
    @rule(cause=causes)
    def close_other(self, cause: str) -> None:
        self.now("close", cause or None, lambda: self.other.close(Crash(cause) if cause else None), channel="b")

    # Calls that never wait.

    def now(self, verb: str, value: object, function: Callable[[], object], end: str = "", channel: str = "a") -> None:
        self.recorder.now(Call("", verb, value, channel, end), function)

    @rule(item=items, place=places)
    def put_nowait(self, item: object, place: int) -> None:
        end, side = self.sender(place)
        self.now("put_nowait", item, partial(side.put_nowait, item), end)

    @rule(place=places)
    def get_nowait(self, place: int) -> None:
        end, side = self.receiver(place)
        self.now("get_nowait", None, side.get_nowait, end)

    @rule(limit=few)
    def get_many_nowait(self, limit: int) -> None:
        self.now("get_many_nowait", limit, partial(self.channel.get_many_nowait, limit))

    @rule()
    def peek(self) -> None:
        self.now("peek", None, partial(list[object], self.channel))

    @precondition(lambda self: len(self.tasks) > 2)
    @rule(cause=causes, place=places)
    def close(self, cause: str, place: int) -> None:
        end, side = self.sender(place)
        self.left |= {end} - {""}  # an end whose handle closes leaves
        self.now("close", cause or None, lambda: side.close(Crash(cause) if cause else None), end)

    @precondition(lambda self: len(self.tasks) > 2)
    @rule(cause=causes)
    def abort(self, cause: str) -> None:
        self.now("abort", cause or None, lambda: self.channel.abort(Crash(cause) if cause else None))

    @rule()
    def open_sender(self) -> None:
        end = self.channel.open_sender()
        name = f"sender {len(self.senders)}"
        self.now("open_sender", None, lambda: None, name)
        self.senders[name] = (end, end.__enter__())

    @rule()
    def open_receiver(self) -> None:
        end = self.channel.open_receiver()
        name = f"receiver {len(self.receivers)}"
        self.now("open_receiver", None, lambda: None, name)
        self.receivers[name] = (end, end.__enter__())

    @precondition(lambda self: len(self.senders) + len(self.receivers) > len(self.left))
    @rule(place=places, cause=causes)
    def leave(self, place: int, cause: str) -> None:
        ends = {
            name: end for name, (end, _) in (*self.senders.items(), *self.receivers.items()) if name not in self.left
        }
        name = list(ends)[place % len(ends)]
        self.left.add(name)
        self.now("leave", cause or None, lambda: None, name)
        ends[name].__exit__(Crash if cause else None, Crash(cause) if cause else None, None)

    @precondition(lambda self: bool(self.left))
    @rule(place=places)
    def leave_again(self, place: int) -> None:
        """An end leaves once."""
        ends = {**self.senders, **self.receivers}
        end, _ = ends[sorted(self.left)[place % len(self.left)]]
        end.__exit__(None, None, None)

    # What the loop does.

    @precondition(lambda self: any(not task.done() for task in self.tasks))
    @rule(place=places, twice=st.booleans())
    def cancel(self, place: int, twice: bool) -> None:
        pending = [task for task in self.tasks if not task.done()]
        for _ in range(1 + twice):
            pending[place % len(pending)].cancel()

    @rule()
    def one_pass(self) -> None:
        self.loop.call_soon(self.loop.stop)
        self.loop.run_forever()

    @rule()
    def run_to_rest(self) -> None:
        quiet = 0
        while quiet < 6:
            before = len(self.recorder.events)
            self.one_pass()
            quiet = quiet + 1 if before == len(self.recorder.events) else 0

    @rule()
    def let_time_pass(self) -> None:
        if isinstance(self.loop, ClockedLoop):
            self.loop.pass_time(0.5)

    # What has to hold.

    @invariant()
    def agree(self) -> None:
        if hasattr(self, "loop"):
            assert self.follower.follow(self.recorder, len(self.recorder.events)) is None
            if len(self.recorder.calls) > self.calls_lost:
                assert mismatch(see(self.channel), self.follower.machines["a"].look()) is None
                assert mismatch(see(self.other), self.follower.machines["b"].look()) is None
                assert [[], []] == [past_a_waiter(channel) for channel in (self.channel, self.other)]
            assert self.complaints == []
            dropped = self.follower.machines["a"].dropped
            assert self.channel.statistics().dropped == len(dropped)
            assert self.dropped == ([] if self.quiet else dropped)

    @override
    def teardown(self) -> None:
        if not hasattr(self, "loop"):
            return
        self.totals.update(examples=1, calls=len(self.recorder.calls))
        try:
            self.run_to_rest()
            self.agree()
            assert self.follower.left_behind(self.recorder, self.recorder.open) is None
            for task in self.tasks:
                task.cancel()
            self.run_to_rest()
            self.agree()
            assert all(task.done() for task in self.tasks)
            assert {(see(channel).senders, see(channel).receivers) for channel in (self.channel, self.other)} == {
                (0, 0)
            }
            self.now("abort", None, self.channel.abort)
            self.now("abort", None, self.other.abort, channel="b")
            self.agree()
            self.sums_match()
        finally:
            SHIPPED.apply()
            for end, _ in (*self.senders.values(), *self.receivers.values()):
                end.__exit__(None, None, None)
            self.end_the_lost()
            self.loop.close()

    def end_the_lost(self) -> None:
        """The last reference to the tasks of closed loops goes, and their coroutines end."""
        for task in self.lost:
            coroutine = task.get_coro()
            assert isinstance(coroutine, Coroutine)
            coroutine.close()
        self.lost.clear()

    def sums_match(self) -> None:
        """Everything that was surely put has been taken, once, and nothing else has."""
        ledgers = {"a": Ledger(), "b": Ledger()}
        ledgers["a"].receive(self.follower.machines["a"].dropped)
        ends = {event.call: event.outcome for event in self.recorder.events if event.kind == "ends"}
        for number, begun in enumerate(self.recorder.calls):
            call, outcome = as_plain(begun, ends.get(number) or WAITS)  # or its loop was lost
            ledgers[call.channel].note(call.verb, call.value, outcome)
        for ledger in ledgers.values():
            assert list(ledger.violations()) == []


def past_a_waiter(channel: Channel[object] | PriorityChannel[object]) -> list[str]:
    """Return the calls that would go ahead at once, though a task waits for them: they have to look at its loop."""
    core = channel if isinstance(channel, Channel) else channel._entries
    items = len(core._buffer)
    puts = core._receivers and items < core._put_below
    gets = (core._senders or (core._closed and items == 1)) and items > core._get_above
    return ["put"] * bool(puts) + ["get"] * bool(gets)


class LosingMachine(ChannelMachine):
    """Its loop is closed now and then, whatever waits in it, and the channels go on in another."""

    WAITS: ClassVar = ["get", "batch", "put", "select get", "select put", "join"]
    WAKES: ClassVar = ["puts", "gets", "both", "closes"]
    FIRSTS: ClassVar = [
        *("qsize", "empty", "full"),
        *("put_nowait", "get_nowait", "get_many_nowait", "abort"),
        *("put", "get", "select put", "select get", "otherwise put", "otherwise get"),
        "any rule",
    ]

    @precondition(lambda self: len(self.tasks) > 1)
    @rule(first=st.sampled_from(FIRSTS))
    def lose_the_loop(self, first: str) -> None:
        """Close the loop; `first` is what meets that."""
        self.agree()
        self.loop.set_exception_handler(lambda _loop, _context: None)  # tasks that are destroyed
        self.loop.close()
        self.recorder.forget()
        self.follower.forget()
        self.lost += self.made
        self.open_loop()
        self.calls_lost = len(self.recorder.calls)
        self.meet(first)

    def meet(self, first: str) -> None:
        match first:
            case "qsize" | "empty" | "full":
                shown = getattr(self.channel, first)()
                seen = see(self.channel)._replace(**{first: shown})
                assert mismatch(seen, self.follower.machines["a"].look()) is None
            case "put_nowait":
                self.put_nowait("first", 9)
            case "get_nowait":
                self.get_nowait(9)
            case "get_many_nowait":
                self.get_many_nowait(2)
            case "abort":
                self.abort("")
            case "any rule":
                pass
            case _:
                self.call(first)
                self.one_pass()

    def call(self, call: str) -> None:
        match call.split():
            case ["put"]:
                self.put("item", None, 9)
            case ["get"]:
                self.get(None, 9)
            case ["batch"]:
                self.batch(limit=3, within=0.5, timeout=None, place=9)
            case ["join"]:
                self.join(None)
            case ["select", verb]:
                self.select([CaseText("a", verb, "item")], None)
            case ["otherwise", verb]:
                self.select([CaseText("a", verb, "item"), CaseText("a", "otherwise")], None)
            case _:
                raise ValueError(call)

    @rule(
        waits=st.lists(st.sampled_from(WAITS), min_size=1, max_size=3),
        wakes=st.sampled_from(WAKES),
        first=st.sampled_from(FIRSTS),
    )
    def lose_what_was_woken(self, waits: Sequence[str], wakes: str, first: str) -> None:
        """Let some begin to wait, wake them, and close the loop before they run."""
        for call in waits:
            self.call(call)
        self.one_pass()
        if wakes in ("puts", "both", "closes"):
            self.put_nowait("last", 9)
        if wakes in ("gets", "both"):
            self.get_nowait(9)
        if wakes == "closes":
            self.close("", 9)
        self.lose_the_loop(first)

    @precondition(lambda self: bool(self.lost))
    @rule()
    def end(self) -> None:
        self.end_the_lost()


class EagerMachine(ChannelMachine):
    eager = True


class UvloopMachine(ChannelMachine):
    """A pass of uvloop may run more than what was ready, and its time cannot be moved."""

    @staticmethod
    @override
    def make_loop() -> asyncio.AbstractEventLoop:
        from uvloop import new_event_loop  # noqa: PLC0415  # not there on Windows

        return new_event_loop()


def test_asyncio() -> None:
    run_state_machine_as_test(ChannelMachine, settings=CHECK)


def lose_loops(size: int, policy: str = "") -> None:
    """What the machine meets at random, a loop lost under one call or two, here in every way."""
    waits = [*product(LosingMachine.WAITS), *product(LosingMachine.WAITS, repeat=2)]
    for loss in product(waits, LosingMachine.WAKES, LosingMachine.FIRSTS):
        machine = LosingMachine()
        machine.make(size, policy=policy)
        try:
            machine.lose_what_was_woken(*loss)
            machine.agree()
            machine.end_the_lost()
            machine.put_nowait("later", 9)
            machine.get_nowait(9)
            machine.agree()
            machine.teardown()
        except BaseException as error:
            error.add_note(f"maxsize {size} {policy}, {loss}")
            raise


@pytest.mark.parametrize("size", SIZES)
def test_a_loop_that_is_closed(size: int) -> None:
    lose_loops(size)


def test_a_loop_that_is_closed_under_an_overflow_policy() -> None:
    lose_loops(1, "DROP_OLDEST")


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with Python 3.12")
def test_eager_tasks() -> None:
    run_state_machine_as_test(EagerMachine, settings=CHECK)


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop is not there on Windows")
def test_uvloop() -> None:
    run_state_machine_as_test(UvloopMachine, settings=CHECK)
