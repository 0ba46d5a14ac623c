"""What a signal handler or the collector may do in the middle of a call on a Watch.

There are a Watch and two readers, r and s, which have seen its first value. The calls are get, get.s, sel (a select on
both), any (on r and the close), wait_for, wait_closed and join; and set!, put!, close!, get! and get.s! at once.

`python -m tests.interrupts.watching` plays every action at every place.
"""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterator
from typing import Never

from typing_extensions import override

from aiochannel import ChannelClosed, ChannelEmpty, Receiver, Watch, select
from aiochannel.watch import _Reader
from tests.interrupts.actions import RAISE
from tests.interrupts.calls import INTERRUPTED, UNDER_WAY
from tests.interrupts.scenes import Made, Scene, Script, long_run

SCRIPTS = [
    Script(*map(str.strip, line.split("|")))
    for line in """
set: one waits                 | G:get                          | set!
set: two readers               | G:get H:get.s                  | set!
set: two on one reader         | G:get H:get                    | set! run set!
set: to a select               | S:sel H:get                    | set!
set: to a cancelled one        | G:get H:get                    | cancel:G set!
set: the only one is cancelled | G:get                          | cancel:G set! get!
set: a select is cancelled     | S:sel G:get                    | cancel:S set!
set: again before it runs      | G:get                          | set! set!
set: closed                    | close!                         | set!
put: one waits                 | G:get                          | P:put
get: unseen                    | set!                           | G:get
get: waits                     |                                | G:get
get: waits behind one          | H:get                          | G:get
get: waits, promised           |                                | G:get run set!
get: promised, others wait     | G:get H:get                    | set! run set!
get: cancelled waiting         | G:get H:get                    | cancel:G run set!
get: cancelled in the queue    | G:get H:get I:get              | cancel:H run set!
get: cancelled promised        | G:get H:get                    | set! cancel:G
get: cancelled promised, alone | G:get                          | set! cancel:G
get: closed waiting            | G:get H:get I:get.s            | close!
get: closed promised           | G:get H:get                    | set! close!
get: closed, cancelled         | G:get H:get                    | set! close! cancel:G
get: last value                | set! close! J:join             | G:get run H:get
get_nowait: unseen             | set!                           | get! get!
get_nowait: completes a join   | set! J:join close!             | get!
select: unseen                 | set!                           | S:sel
select: waits                  |                                | S:sel run set!
select: woken by close         | S:any T:sel                    | close!
select: cancelled              | S:sel G:get                    | cancel:S run set!
select: cancelled promised     | S:sel G:get                    | set! cancel:S
wait_for: fits not             | F:wait_for                     | set! run set!
close: all who wait            | G:get W:wait_closed J:join S:any | close!
join: waits                    |                                | J:join run close!
join: cancelled                | J:join K:join                  | cancel:J run close!
wait_closed: waits             |                                | W:wait_closed run close!
wait_closed: cancelled         | W:wait_closed X:wait_closed    | cancel:W run close!
""".strip().splitlines()
]

ACTIONS = (
    "set", "close", "get", RAISE, "gc", "set+raise", "close+raise", "get+raise", "get.s", "set+get", "set+set",
    "cancel", "cancel+set", "cancel+get", "cancel+close",
)  # fmt: skip
GETS = ("get", "get.s", "sel", "any", "wait_for")


class WatchScene(Scene):
    def __init__(self, *given: object) -> None:
        super().__init__(*given)  # type: ignore[arg-type]
        self.watch = Watch("0")
        self.readers = {"r": _Reader(self.watch), "s": _Reader(self.watch)}
        self.seen: dict[str, list[str]] = {"r": [], "s": []}
        for name in self.readers:
            self.take_one(name)
        self.count = 0

    def value(self) -> str:
        self.count += 1
        return str(self.count)

    def take_one(self, name: str) -> None:
        self.seen[name].append(self.readers[name].get_nowait())

    @override
    def prepare_action(self) -> None:
        if self.action == "gc":
            self.suspend(self.readers["r"].get())

    @override
    def begin(self, verb: str) -> Coroutine[object, Never, object]:
        match verb:
            case "get" | "get.s":
                return self.get("s" if verb == "get.s" else "r")
            case "sel":
                return self.select(["r", "s"])
            case "any":
                return self.select(["r"])
            case "wait_for":
                return self.watch.wait_for(lambda value: value == "z")
            case "put":
                return self.watch.put(self.value())
            case "wait_closed":
                return self.watch.wait_closed()
            case _:
                return self.readers["r"].join()

    async def get(self, name: str) -> None:
        self.seen[name].append(await self.readers[name].get())

    async def select(self, names: list[str]) -> None:
        cases = [self.readers[name].on_get() for name in names]
        if len(cases) == 1:
            place, value = await select(cases[0], self.watch.on_close(), biased=True)
        else:
            place, value = await select(cases[0], cases[1], biased=True)
        if value is not None:
            self.seen[names[place]].append(value)

    @override
    def now(self, verb: str) -> object:
        match verb:
            case "set":
                return self.watch.set(self.value())  # type: ignore[func-returns-value]
            case "close":
                return self.watch.close()
            case "cancel":
                return self.cancel_first()  # type: ignore[func-returns-value]
            case _:
                return self.take_one("s" if verb == "get.s" else "r")  # type: ignore[func-returns-value]

    def cancel_first(self) -> None:
        """Cancel the first task that waits, other than the one that runs."""
        running = asyncio.current_task(self.loop)
        for lane, task in self.tasks.items():
            if task is not running and self.calls[task].outcome is UNDER_WAY:
                self.cancel(lane)
                return

    # The end

    def waiting(self) -> list[Made]:
        return [call for call in self.made if call.outcome is UNDER_WAY and call.verb in GETS]

    @override
    def violations(self) -> Iterator[str]:
        yield from self.stuck()
        while not self.watch.closed() and (waiting := self.waiting()):
            self.in_loop(lambda: self.watch.set("z" if waiting[0].verb == "wait_for" else self.value()))
            if len(self.waiting()) == len(waiting):
                yield f"a set wakes none of {[call.lane for call in waiting]}"
                break
        self.watch.close()
        self.in_loop(bool)
        for name, reader in self.readers.items():
            yield from self.drain(name, reader)
        self.in_loop(bool)
        for name, values in self.seen.items():
            if len(set(values)) < len(values):
                yield f"{name} has seen {values}"
        if self.watch._known or self.watch._quiet or self.watch.statistics().waiting_receivers:
            yield f"at the end {self.watch.statistics()} and {self.watch._known} are left"

    def stuck(self) -> Iterator[str]:
        for call in self.waiting():
            if call.verb == "wait_for":
                continue  # by a reader of its own
            name = "s" if call.verb == "get.s" else "r"
            if self.readers[name]._seen != self.watch.version or self.watch.closed():
                yield f"{call.lane}'s {call.verb} waits at rest, and {name} has a value or its end"

    def drain(self, name: str, reader: Receiver[str]) -> Iterator[str]:
        """Take the last value, which a reader has seen or can get; then comes the end."""
        missing = self.watch.value not in self.seen[name]
        try:
            self.in_loop_now(lambda: self.take_one(name))
        except ChannelClosed:
            lost = self.interrupted is not None and self.interrupted.outcome is INTERRUPTED
            if missing and not (lost and self.interrupted and self.interrupted.verb in (*GETS, "get.s")):
                yield f"{name} has not seen {self.watch.value}, the last value"
        except ChannelEmpty:
            yield f"{name} of a closed Watch is empty at rest"

    def in_loop_now(self, function: Callable[[], object]) -> None:
        """Call a function in the loop, and raise here what it raises there."""
        errors: list[Exception] = []

        def call() -> None:
            try:
                function()
            except Exception as error:
                errors.append(error)

        self.in_loop(call)
        if errors:
            raise errors[0]


if __name__ == "__main__":
    sys.exit(long_run("a Watch", WatchScene, SCRIPTS, ACTIONS))
