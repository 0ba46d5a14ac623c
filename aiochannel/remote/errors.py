"""Every exception of remote channels.

    ChannelError
    ├── ChannelUnavailable  the server was out of reach for longer than the hub's patience (a ConnectionError)
    ├── ChannelLost         the server no longer has the channel, or items whose puts had returned
    ├── ChannelMismatch     the channel was made with other settings, or by a newer version
    ├── ChannelMissing      there is no channel of this name (a LookupError)
    ├── BadItem             the format cannot encode the item, or it is too large (a ValueError)
    ├── LeaseLost           the item was given back to the channel: this receiver had stalled for too long
    └── Undelivered         items that an end had accepted are refused by the channel after all
    RemoteCause             not raised: the `__cause__` of a ChannelClosed

A message says which channel on which server it is about, without a password, and what is true of it.
"""

from collections.abc import Sequence
from typing import final

from aiochannel.errors import ChannelError


@final
class ChannelUnavailable(ChannelError, ConnectionError):
    """The server was out of reach for longer than `patience`. Everything goes on by itself when it is back."""


@final
class ChannelLost(ChannelError):
    """The server no longer has the channel, or has forgotten items whose puts had returned.

    It was deleted, its data were removed, or an older state was restored. It stays lost for this hub.
    """


@final
class ChannelMismatch(ChannelError):
    """The channel is there with other settings, each of which the message names; or a newer version has made it."""


@final
class ChannelMissing(ChannelError, LookupError):
    """There is no channel of this name on the server."""


@final
class BadItem(ChannelError, ValueError):
    """The format cannot encode the item, or what it encodes to is too large. The item is not in the channel."""


@final
class LeaseLost(ChannelError):
    """The item was given back to the channel, and may be another receiver's by now.

    The process had not renewed its lease in time: its event loop was blocked, or it was suspended.
    """


@final
class Undelivered(ChannelError):
    """The end had accepted items that the channel refuses after all; they are not in the channel.

    Or the end was left while the server did not answer: then items may be there of which it could not say so.
    """

    def __init__(self, message: str, items: Sequence[object] = ()) -> None:
        super().__init__(message)
        self.items: Sequence[object] = items
        """The items, in the order in which the end had accepted them."""


@final
class RemoteCause(Exception):
    """The cause with which a channel was closed, as text: the error itself may be in another process."""


def cause_text(cause: BaseException | None) -> str | None:
    """Return the cause of a close as it travels, such as "ValueError: bad line 17"."""
    if cause is None:
        return None
    if isinstance(cause, RemoteCause):
        return str(cause)
    text = str(cause)
    return f"{type(cause).__name__}: {text}" if text else type(cause).__name__
