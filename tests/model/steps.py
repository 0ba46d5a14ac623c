"""A call on a real Watch beside its ticket: each step of the one is compared with the step of the other."""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from functools import partial

from aiochannel import ChannelClosed, ChannelEmpty
from tests.model.reference import CANCELLED, EMPTY, WAITS, Outcome
from tests.model.watch_reference import CLOSED, Ticket

Step = Callable[[], asyncio.Future[object] | None]
SteppedCall = Coroutine[asyncio.Future[object] | None, None, object]


class Disagreement(AssertionError):
    """The call did something else than the machine says."""


def outcome_of(error: BaseException) -> Outcome:
    match error:
        case StopIteration():
            value: object = error.value
            return Outcome("ok", value)
        case ChannelClosed():
            return CLOSED
        case ChannelEmpty():
            return EMPTY
        case asyncio.CancelledError():
            return CANCELLED
        case _:
            return Outcome(f"raised {error!r}")


class Stepped:
    """Awaits a call, and raises Disagreement where one of its steps ends otherwise than that of its ticket."""

    def __init__(self, call: SteppedCall, ticket: Ticket, note: Callable[[str], object]) -> None:
        self.call = call
        self.ticket = ticket
        self.note = note

    def __await__(self) -> Generator["asyncio.Future[object] | None", None, Outcome]:
        begun = cancelled = False
        step: Step = partial(self.call.send, None)
        while True:
            waiter: asyncio.Future[object] | None = None
            try:
                waiter = step()
                outcome = WAITS
            except BaseException as error:
                outcome = outcome_of(error)
            if waiter is not None or outcome is not WAITS:  # or else it lets other tasks run, and has done nothing
                if begun or not cancelled:
                    self.compare(outcome, self.ticket.resume(cancelled) if begun else self.ticket.begin())
                begun = True
            if outcome is CANCELLED:
                raise asyncio.CancelledError
            if outcome is not WAITS:
                return outcome
            if waiter is not None:
                self.ticket.gone = waiter.cancelled
            try:
                yield waiter
            except asyncio.CancelledError as error:
                cancelled = True
                step = partial(self.call.throw, error)
            else:
                step = partial(self.call.send, None)

    def compare(self, outcome: Outcome, expected: Outcome) -> None:
        if outcome != expected:
            text = f"{[place[1:] for place in self.ticket.places]}: {outcome}, and not {expected}"
            self.note(text)
            raise Disagreement(text)
