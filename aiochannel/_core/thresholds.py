"""The values of a machine's thresholds, `put_below` and `get_above`, that lead calls off their fast paths."""

from typing import Final

SLOW_PUT: Final = 0
SLOW_GET: Final = 2**30 - 1
"""No put, or no get, takes its fast path."""

STIRRED_PUT: Final = -1
STIRRED_GET: Final = 2**30 - 2
"""The same. And a call that is about to wait must look again, since the channel may have changed since it looked."""

SPENT_PUT: Final = -(2**28)
"""As `SLOW_PUT`. And the next awaited put lets other tasks run. Unlike the others it is never `bound - granted`."""
