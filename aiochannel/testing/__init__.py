"""For tests of programs over asyncio: who waits instead of a test that hangs, and every order of a small program.

Reading order: waits (who waits), clock (a loop whose time jumps); search (over the schedules of anything), loops (event
loops that ask before each step), actors (what a program says of itself), findings (what is wrong, in words), plays (one
run), schedules (`explore` and `replay`). Nothing here is imported by `aiochannel`, and nothing here imports it.
"""

from aiochannel.testing.actors import Run
from aiochannel.testing.clock import Loop, run
from aiochannel.testing.loops import NotExplored
from aiochannel.testing.schedules import Failure, Report, ScheduleFailed, explore, replay
from aiochannel.testing.waits import Deadlock, Wait, waits

__all__ = [
    "Deadlock",
    "Failure",
    "Loop",
    "NotExplored",
    "Report",
    "Run",
    "ScheduleFailed",
    "Wait",
    "explore",
    "replay",
    "run",
    "waits",
]
