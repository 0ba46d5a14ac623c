"""Snapshots of a hub's connection, of a remote channel, and of its ends."""

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


@final
@dataclass(frozen=True, slots=True)
class SenderStatistics:
    """A snapshot of a sending end."""

    outbox: int
    """Items of `put_nowait`, `on_put` and `submit` that are not stored yet."""
    queued: int
    """Items that were not sent yet, those of waiting puts included."""
    in_flight: int
    """Items that were sent, and of which the server has not said that they are stored."""
    undelivered: int
    """Items of the outbox that were refused, and that `flush` or leaving has still to tell."""


@final
@dataclass(frozen=True, slots=True)
class ReceiverStatistics:
    """A snapshot of a receiving end."""

    at_hand: int
    """Items that have come, and that no task has taken."""
    held: int
    """Items that tasks have taken, and that are not received yet."""
    window: int
    """How many items it asks for to be at hand."""
    leases_lost: int
    bad_items: int
    """How many items could not be decoded here."""
