"""Small programs of callers and callees under every order of their steps and cancellations.

    A: ask ask            a caller that asks twice
    S: get reply          a callee: it takes a call and replies; fail, raise (in a block), block (that ends unanswered),
                          hold (keep it) and drop likewise use the call that it took last; select waits for a call or
                          for the one that it holds to be abandoned
    C: abort              close, abort, or drop the calls that are held

At some time the channel is aborted, and what is held is dropped, so that every call ends.
`python -m tests.explore.calling` is the long run.
"""

import asyncio
import sys
from collections.abc import Callable, Sequence
from functools import partial

from aiochannel import Call, ChannelClosed, select
from aiochannel.testing import Report, Run, explore
from tests.budgets import SHIPPED
from tests.explore.watching import long_run
from tests.model.calls import Requests

PROGRAMS = (
    "A: ask | S: get reply",
    "A: ask ask | S: get reply get fail",
    "A: ask | B: ask | S: get reply get reply",
    "A: ask | B: ask | S: get hold get reply",
    "A: ask | B: ask | S: get drop get raise",
    "A: ask | S: get reply reply fail block",
    "A: ask | S: get reply raise",
    "A: ask | S: get block | T: get hold",
    "A: ask | B: ask | S: get hold select",
    "A: ask | B: ask | C: close | S: get reply get reply",
    "A: ask ask | C: abort | S: get hold",
    "A: ask | S: get work reply | C: drop",
    "A: ask | B: ask | S: get work | T: get work",
)


def program(text: str) -> Callable[[Run], None]:
    """Return the program of a text, for `explore`."""

    def build(run: Run) -> None:
        SHIPPED.apply()
        requests = Requests(1)
        for actor in text.split("|"):
            name, _, steps = actor.partition(":")
            role = ask if "ask" in steps else serve
            run.actor(name.strip(), partial(role, requests, name.strip(), steps.split()), expect=(ChannelClosed,))
        run.event("end", partial(end, requests))
        run.always(requests.agree)
        run.at_rest(requests.agree)

    return build


async def ask(requests: Requests, name: str, steps: Sequence[str]) -> None:
    for number in range(len(steps)):
        await requests.ask(f"{name}{number}")


async def serve(requests: Requests, _: str, steps: Sequence[str]) -> None:
    """Follow the steps, with the call that was taken last, which is dropped at the end."""
    taken: list[Call[str, str]] = []
    try:
        for step in steps:
            match step:
                case "get":
                    requests.drop(taken)
                    taken.append(await requests.channel.get())
                case "work":  # in a block, in which the callee may be cancelled
                    await work(requests, taken)
                case "hold":
                    requests.held.append(taken.pop())
                case "drop":
                    requests.drop(taken or requests.held)
                case "close":
                    requests.channel.close()
                case "abort":
                    requests.drop(requests.channel.abort())
                case "select":
                    await watch(requests, taken)
                case _:
                    requests.use(step, taken[-1])
    finally:
        requests.drop(taken)


async def work(requests: Requests, taken: Sequence[Call[str, str]]) -> None:
    with taken[-1]:
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            requests.use("block", taken[-1])
            raise
        requests.use("reply", taken[-1])


async def watch(requests: Requests, taken: list[Call[str, str]]) -> None:
    """Wait for a call, or for the caller of the one that is held to go."""
    if not requests.held:
        taken.append(await requests.channel.get())
        return
    request, case = requests.held[0].request, requests.held[0].on_abandoned()  # a case does not keep the call
    match await select(requests.channel.on_get(), case):
        case 0, each:
            taken.append(each)
        case _:
            assert not requests.is_there(request)


def end(requests: Requests) -> None:
    requests.drop(requests.channel.abort())
    requests.drop(requests.held)


def play(text: str, budget: int, cancellations: int, seconds: float, *, eager: bool = False) -> Report:
    return explore(program(text), budget=budget, cancellations=cancellations, seconds=seconds, eager=eager)


if __name__ == "__main__":
    sys.exit(long_run("calling", PROGRAMS, play))
