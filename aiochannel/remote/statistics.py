"""Snapshots of a hub's connection and of a remote channel."""

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, slots=True)
class HubStatistics:
    """A snapshot of a hub's connection to its server."""

    connected: bool
    reconnects: int = 0
    """How often the connection came back."""
    calls: int = 0
    """How many calls were sent to the server."""
    in_flight: int = 0
    """How many of them are not answered yet."""
    late_wakes: int = 0
    """How many receivers had to ask again, since the server had not told them of an item in time."""


@final
@dataclass(frozen=True, slots=True)
class RemoteStatistics:
    """A snapshot of a channel, as the server has it."""

    stored: int
    """All items: waiting + at_hand_or_held + delayed."""
    waiting: int
    at_hand_or_held: int
    """Items that were sent to a receiver and are not acknowledged."""
    delayed: int
    dead: int
    waiting_puts: int
    """Items of puts that wait for room."""
    waiting_receivers: int
    receivers: int
    """Receiving ends with a lease."""
    accepted: int
    """How many items were ever stored."""
    received: int
    """How many of them have left, dead letters included."""
    redelivered: int
    closed: bool
    drained: bool
    cause: str | None = None
