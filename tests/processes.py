"""Processes for the long runs.

They are forked where that is possible: the other ways, one of which is the default from Python 3.14 on, do not find
what a package's `__main__` defines.
"""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_all_start_methods, get_context


def process_pool(processes: int) -> ProcessPoolExecutor:
    """Return an executor of so many processes."""
    method = "fork" if "fork" in get_all_start_methods() else None
    return ProcessPoolExecutor(processes, mp_context=get_context(method))
