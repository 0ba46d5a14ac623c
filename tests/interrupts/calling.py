"""What a signal handler or the collector may do in the middle of a call, an answer, or the end of a callee's block.

A:ask puts a Call and waits for its answer; S:serve takes one and replies in a block, S:fail raises in it, S:watch waits
for its caller to go. At once: take! (into the hand), reply!, fail!, block! (use it in a block that ends unanswered),
drop!, close! and abort!.

`python -m tests.interrupts.calling` plays every action at every place.
"""

import gc
import sys
from collections.abc import Coroutine, Iterator
from typing import Never

from typing_extensions import override

from aiochannel import Call, Channel, ChannelError, call, select
from tests.interrupts.actions import RAISE
from tests.interrupts.calls import UNDER_WAY
from tests.interrupts.scenes import Scene, Script, long_run
from tests.interrupts.world import Garbage
from tests.model.reference import Outcome

SCRIPTS = [
    Script(*map(str.strip, line.split("|")))
    for line in """
ask: a callee waits     | S:serve                    | A:ask
ask: nobody takes       |                            | A:ask run take! reply!
ask: the put waits      | A:ask                      | B:ask run take! reply!
ask: cancelled          | A:ask take!                | cancel:A run reply!
ask: cancelled, put     | A:ask B:ask                | cancel:B run take!
ask: cancelled answered | A:ask take!                | reply! cancel:A
ask: cancelled failed   | A:ask take!                | fail! cancel:A
ask: closed             | close!                     | A:ask
reply: waits            | A:ask take!                | reply!
reply: again            | A:ask take! reply!         | reply! fail!
fail: waits             | A:ask take!                | fail!
fail: in a block        | A:ask                      | S:fail
block: unanswered       | A:ask take!                | block!
drop: held              | A:ask take!                | drop!
drop: aborted           | A:ask B:ask                | abort!
watch: the caller goes  | A:ask take! S:watch        | cancel:A
watch: waits            | A:ask take!                | S:watch run cancel:A
watch: answered         | A:ask take! S:watch        | reply! cancel:S
""".strip().splitlines()
]

ACTIONS = ("reply", "fail", "drop", "abort", RAISE, "gc", "take", "drop+raise", "reply+raise", "take+drop", "cancel")


ANSWERS = ("raised NoReply", "raised ChannelError", "raised ChannelEmpty", "empty")
ANSWERED = Outcome("ok")


class CallScene(Scene):
    def __init__(self, *given: object) -> None:
        super().__init__(*given)  # type: ignore[arg-type]
        self.channel = Channel[Call[str, str]](1)
        self.hand: list[Call[str, str]] = []

    @override
    def prepare_action(self) -> None:
        if self.action == "gc":
            self.usable = "watch" not in self.script.during  # which needs what is in the hand
            self.garbage.append(Garbage(self.hand))
            self.hand = []

    @override
    def begin(self, verb: str) -> Coroutine[object, Never, object]:
        match verb:
            case "ask":
                return call(self.channel, "request")
            case "watch":
                return select(self.hand[-1].on_abandoned())
            case _:
                return self.serve(verb)

    async def serve(self, verb: str) -> None:
        with await self.channel.get() as each:
            if verb == "fail":
                raise ChannelError("the answer")
            each.reply(each.request)

    @override
    def now(self, verb: str) -> object:
        match verb:
            case "take":
                self.hand.append(self.channel.get_nowait())
                return None
            case "close":
                return self.channel.close()
            case "abort":
                self.channel.abort()
                return None
            case "drop":
                return self.hand.clear()  # type: ignore[func-returns-value]
            case "cancel":
                for lane in self.tasks.keys() & {"A", "B"}:
                    self.cancel(lane)
                return None
            case _:
                return [self.use(verb, each) for each in self.hand[-1:]]

    def use(self, verb: str, each: Call[str, str]) -> object:
        if verb == "reply":
            return each.reply("by hand")
        if verb == "fail":
            return each.fail(ChannelError("the answer"))
        with each:
            pass
        return None

    # The end

    @override
    def wrong_outcomes(self) -> Iterator[str]:
        for made in self.made:
            if made.outcome.word.startswith(ANSWERS) or (made.outcome is UNDER_WAY and self.is_swallowed()):
                made.outcome = ANSWERED
        yield from super().wrong_outcomes()

    @override
    def violations(self) -> Iterator[str]:
        for lane, task in list(self.tasks.items()):
            if task.done() and not task.cancelled() and task.exception() is not None:
                del self.tasks[lane], self.calls[task]  # the frames of its traceback may have the last reference
        del task
        gc.collect()  # the frame of the handler refers to the task
        self.in_loop(bool)
        for made in self.made:
            if made.verb == "ask" and made.outcome is UNDER_WAY and not (self.is_held() or self.is_swallowed()):
                yield f"{made.lane}'s call waits, and nobody has it"
        self.in_loop(self.channel.abort)
        self.in_loop(self.hand.clear)
        for lane, task in self.tasks.items():
            if self.calls[task].outcome is UNDER_WAY and self.calls[task].verb == "watch":
                self.in_loop(lambda lane=lane: self.cancel(lane))  # type: ignore[misc]
        for made in self.made:
            if made.verb == "ask" and made.outcome.word == "ok" and made.outcome.value not in ("request", "by hand"):
                yield f"{made.lane} was told {made.outcome}"

    def is_swallowed(self) -> bool:
        """Return whether the handler has raised on entry of a finalizer, which then never begins."""
        return self.place is not None and RAISE in self.action and self.place.is_entry_of("Call.__del__")

    def is_held(self) -> bool:
        return bool(self.hand or self.channel.qsize() or self.channel.statistics().waiting_senders)


if __name__ == "__main__":
    sys.exit(long_run("a Call", CallScene, SCRIPTS, ACTIONS))
