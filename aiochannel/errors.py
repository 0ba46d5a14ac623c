"""Every exception of this package.

    ChannelError
    ├── ChannelClosed   the channel is closed: for a put at once, for a get when it is drained too
    ├── ChannelFull     put_nowait: there is no room now
    └── ChannelEmpty    get_nowait: there is no item now

A message says which channel it is about and what is true of it. Every raise is a new object, so no traceback grows.
"""


class ChannelError(Exception):
    """Base of every error that a channel raises about its own state."""


class ChannelClosed(ChannelError):
    """The channel is closed, for ever; what closed it, if it said so, is `__cause__`.

    From a put: no item is accepted any more. From a get: the channel is drained as well, for everyone.
    """


class ChannelFull(ChannelError):
    """`put_nowait` found no room."""


class ChannelEmpty(ChannelError):
    """`get_nowait` found no item that is not promised to a waiting receiver already."""


def source(error: BaseException) -> BaseException:
    """Return what closed the first of the channels through which this ChannelClosed came; another error is its own."""
    met: list[BaseException] = []
    while isinstance(error, ChannelClosed) and error.__cause__ is not None and error not in met:
        met.append(error)
        error = error.__cause__
    return error


def check_cause(cause: object) -> None:
    """Refuse what cannot be the cause of a close."""
    if cause is not None and not isinstance(cause, BaseException):
        raise TypeError(f"the cause must be an exception or None, not {cause!r}")
