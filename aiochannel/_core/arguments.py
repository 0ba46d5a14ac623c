"""What callers pass: what stands for a number is taken as one, and what is wrong is refused at once."""

from asyncio import AbstractEventLoop
from math import fsum, inf
from operator import index
from typing import SupportsIndex


def integer(given: object) -> int | None:
    """Return what stands for an integer, as numpy's integers do, as an int; None for a bool and anything else."""
    if isinstance(given, bool) or not isinstance(given, SupportsIndex):
        return None
    try:
        return index(given)
    except TypeError:  # numpy's bools and arrays have the method, too
        return None


def check_loop(loop: object) -> None:
    """Raise TypeError if this is not an event loop or None."""
    if loop is not None and not isinstance(loop, AbstractEventLoop):
        raise TypeError(f"loop must be an event loop or None, not {loop!r}")


def check_name(name: object) -> None:
    """Raise TypeError if this is not a name or None."""
    if name is not None and not isinstance(name, str):
        raise TypeError(f"name must be a str or None, not {name!r}")


def batch_limit(limit: int) -> int:
    """Return the limit of a batch as an int."""
    number = limit if type(limit) is int else integer(limit)
    if number is None:
        raise TypeError(f"limit must be an int >= 1, not {limit!r}")
    if number < 1:
        raise ValueError(f"limit must be an int >= 1, not {limit!r}")
    return number


def seconds(name: str, given: float) -> float:
    """Return a number of seconds as a float; an int beyond every float is infinite."""
    try:
        return fsum((given,))  # takes every real number; `float` would read a str too
    except TypeError:
        raise TypeError(f"{name} must be a number of seconds, not {given!r}") from None
    except OverflowError:
        return inf if given > 0 else -inf


def batch_time(within: float | None) -> float | None:
    """Return the time for a batch as a float, or None: it is not to wait for more."""
    if within is None:
        return None
    number = seconds("within", within)
    if not number >= 0:  # nan is not
        raise ValueError(f"within must be a number of seconds >= 0, not {within!r}")
    return number
