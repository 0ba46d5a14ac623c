"""A client that shares no code with the package: what the server says is seen as it is."""

import socket
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from aiochannel.redis.wire import Refusal, Reply

Argument: TypeAlias = bytes | str | int


class ServerError(Exception):
    """The server answered with an error."""


def packed(*arguments: Argument) -> bytes:
    parts = [part if isinstance(part, bytes) else str(part).encode() for part in arguments]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)


class Client:
    """A connection to a server's unix socket."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)  # a mutant's script may not end
        self.socket.connect(str(path))
        self.stream = self.socket.makefile("rb")

    def close(self) -> None:
        self.stream.close()
        self.socket.close()

    def read(self) -> Reply:
        line = self.stream.readline()[:-2]
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return rest
        if kind == b"-":
            return Refusal("", rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self.stream.read(int(rest) + 2)[:-2]
        assert kind == b"*", line
        return [self.read() for _ in range(int(rest))]

    def all(self, *calls: Sequence[Argument]) -> list[Reply]:
        """Send calls together, and return their replies."""
        self.socket.sendall(b"".join(packed(*call) for call in calls))
        return [self.read() for _ in calls]

    def __call__(self, *call: Argument) -> Reply:
        (reply,) = self.all(call)
        if isinstance(reply, Refusal):
            raise ServerError(reply.text)
        return reply


def whole(reply: Reply) -> int:
    assert isinstance(reply, int), reply
    return reply


def text(reply: Reply) -> bytes:
    assert isinstance(reply, bytes), reply
    return reply


def array(reply: Reply) -> list[Reply]:
    assert isinstance(reply, list), reply
    return reply


def texts(reply: Reply) -> list[bytes]:
    return [text(one) for one in array(reply)]


def mapping(reply: Reply) -> dict[bytes, bytes]:
    parts = texts(reply)
    return dict(zip(parts[::2], parts[1::2], strict=True))
