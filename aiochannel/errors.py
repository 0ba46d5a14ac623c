"""Every exception of this package.

    ChannelError
    ├── ChannelClosed   the channel is closed; a get raises it only when the channel is drained too
    ├── ChannelFull     put_nowait: there is no room now
    ├── ChannelEmpty    get_nowait: there is no item now
    ├── NoReply         call: the callee has let the call go without an answer
    └── ChannelLagged   a subscription of a broadcast has missed items; its next get goes on

A message says which channel it is about and what is true of it. Every raise makes a new object, so no traceback grows.
"""

from typing import final


class ChannelError(Exception):
    """Base of every error that a channel raises about its own state."""


class ChannelClosed(ChannelError):
    """The channel is closed, permanently; the cause with which it was closed, if any, is `__cause__`.

    From a put: no item is accepted any more. From a get: the channel is drained as well, so no receiver gets an item.
    """


class ChannelFull(ChannelError):
    """`put_nowait` found no room."""


class ChannelEmpty(ChannelError):
    """`get_nowait` found no item, or only items that are promised to waiting receivers."""


@final
class NoReply(ChannelError):
    """A Call was let go without an answer; what ended the callee's block over it, if anything, is `__cause__`."""


@final
class ChannelLagged(ChannelError):
    """A subscription of a broadcast had no room for some items, and was told how many it has missed.

    It is no ChannelClosed: the subscription goes on with the oldest item that it has kept.
    """

    def __init__(self, message: str, missed: int = 0) -> None:
        super().__init__(message)
        self.missed: int = missed
        """How many items were dropped since the subscription was last told."""


def source(error: BaseException) -> BaseException:
    """Return the error that closed the first of the channels through which this ChannelClosed came.

    Any other error is returned as it is.
    """
    met: list[BaseException] = []
    while isinstance(error, ChannelClosed) and error.__cause__ is not None and error not in met:
        met.append(error)
        error = error.__cause__
    return error


def check_cause(cause: object) -> None:
    """Raise TypeError if this cannot be the cause of a close."""
    if cause is not None and not isinstance(cause, BaseException):
        raise TypeError(f"the cause must be an exception or None, not {cause!r}")
