"""For tests of programs over asyncio: time that jumps, and who waits where, on what, instead of a test that hangs.

Reading order: waits (who waits), clock (a loop whose time jumps). Nothing here is imported by `aiochannel`, and nothing
here imports it.
"""

from aiochannel.testing.clock import Loop, run
from aiochannel.testing.waits import Deadlock, Wait, waits

__all__ = ["Deadlock", "Loop", "Wait", "run", "waits"]
