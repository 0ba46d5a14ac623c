"""What is found wrong, in words."""

from collections.abc import Callable
from linecache import getline
from pathlib import Path
from traceback import walk_tb
from types import CodeType

from aiochannel.testing.waits import ADDRESS, is_library


def failure_of(check: Callable[[], object]) -> str:
    """Return what a check found wrong."""
    try:
        if check() is not False:
            return ""
    except Exception as error:
        return told(error)
    code: object = getattr(check, "__code__", None)
    if not isinstance(code, CodeType):
        return f"{ADDRESS.sub('', repr(check))} is False"
    return f"{_source(code.co_filename, code.co_firstlineno)} is False"


def told(error: BaseException) -> str:
    """Return an exception's name, its message, and the line of the program that raised it."""
    if isinstance(error, BaseExceptionGroup):
        inner: tuple[BaseException, ...] = error.exceptions
        return " and ".join(told(each) for each in inner)
    message = str(error).partition("\n")[0]
    text = f"{type(error).__name__}: {message}" if message else type(error).__name__
    lines = [(frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__) if not is_library(frame)]
    return f"{text}, at {_source(*lines[-1])}" if lines else text


def _source(file: str, line: int) -> str:
    return f"{Path(file).name}:{line} {getline(file, line).strip()}".strip()


def is_expected(error: BaseException, expect: tuple[type[Exception], ...]) -> bool:
    """Return whether an exception, or each one of a group, is one of those."""
    if isinstance(error, BaseExceptionGroup):
        inner: tuple[BaseException, ...] = error.exceptions
        return all(is_expected(each, expect) for each in inner)
    return isinstance(error, expect)
