"""What a caller and a callee are told of one request, as a few ifs, beside a real Call.

A request is answered once, by the first answer while its caller is there. Its caller is there until its task is being
cancelled. A request that nobody holds any more is answered by NoReply. An error that ends the callee's block is an
answer where there is none yet.
"""

import asyncio
from collections.abc import Iterator

from aiochannel import Call, Channel, ChannelClosed, NoReply, call
from tests.model.reference import CANCELLED, Outcome
from tests.model.watch_reference import CLOSED

NO_REPLY = Outcome("no reply")


class Refusal(Exception):
    """An error as an answer."""


class Requests:
    """Callers, the calls that callees hold, and what must be true of both."""

    def __init__(self, maxsize: int) -> None:
        self.channel = Channel[Call[str, str]](maxsize)
        self.held: list[Call[str, str]] = []
        self.callers: dict[str, asyncio.Task[object] | None] = {}
        self.answers: dict[str, Outcome] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.wrong: list[str] = []

    # The caller

    async def ask(self, request: str) -> None:
        self.callers[request] = asyncio.current_task()
        try:
            self.outcomes[request] = Outcome("ok", await call(self.channel, request))
        except NoReply:
            self.outcomes[request] = NO_REPLY
        except Refusal as error:
            self.outcomes[request] = Outcome("failed", str(error))
        except ChannelClosed:
            self.outcomes[request] = CLOSED
        except asyncio.CancelledError:
            self.outcomes[request] = CANCELLED
            raise

    def is_there(self, request: str) -> bool:
        task = self.callers[request]
        return task is not None and not task.done() and not task.cancelling()

    # The callee

    def expect(self, request: str, answer: Outcome) -> bool:
        """Return whether this is the answer of the request."""
        first = request not in self.answers and self.is_there(request)
        if first:
            self.answers[request] = answer
        return first

    def use(self, how: str, each: Call[str, str]) -> None:
        """Do with a call what a callee may do, and compare."""
        request = each.request
        if each.abandoned() != (request not in self.answers and not self.is_there(request)):
            self.wrong.append(f"{request}: abandoned() is {each.abandoned()}")
        match how:
            case "reply":
                told, expected = each.reply(request), self.expect(request, Outcome("ok", request))
            case "fail":
                told, expected = each.fail(Refusal(request)), self.expect(request, Outcome("failed", request))
            case "block":
                answered = request in self.answers
                self.expect(request, NO_REPLY)
                told, expected = answered, answered
                with each:
                    pass
            case _:
                expected = request not in self.answers
                self.expect(request, Outcome("failed", request))
                told = self.raise_in_block(each)
        if told != expected:
            self.wrong.append(f"{how} of {request} says {told}, and not {expected}")

    def raise_in_block(self, each: Call[str, str]) -> bool:
        """Raise in the block of a call, and return whether the error went no further."""

        def fail() -> None:
            with each:
                raise Refusal(each.request)

        try:
            fail()
        except Refusal:
            return False
        return True

    def drop(self, dropped: list[Call[str, str]]) -> None:
        """Drop the last references to some calls."""
        for request in [each.request for each in dropped]:
            self.expect(request, NO_REPLY)
        dropped.clear()

    # Both

    def violations(self) -> Iterator[str]:
        yield from self.wrong
        for request, outcome in self.outcomes.items():
            answer = self.answers.get(request)
            if outcome in (CANCELLED, CLOSED):
                continue
            if outcome != answer:
                yield f"{request} was told {outcome}, and answered {answer}"
        for each in [*self.channel, *self.held]:
            if each.request in self.outcomes and not (each.abandoned() or each.request in self.answers):
                yield f"{each!r} is held and its caller was told {self.outcomes[each.request]}"

    def agree(self) -> bool:
        found = list(self.violations())
        assert not found, found
        return True
