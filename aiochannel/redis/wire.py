"""One connection to a server, over redis-py: the only module that touches it, since its values are of any type."""

import os
from collections.abc import Awaitable, Callable, Sequence
from math import inf
from ssl import SSLCertVerificationError, SSLContext
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeAlias, TypedDict, final
from urllib.parse import parse_qs, unquote, urlsplit

from redis import exceptions
from redis.asyncio.connection import AbstractConnection, Connection, SSLConnection, UnixDomainSocketConnection
from redis.credentials import CredentialProvider

from aiochannel._core.newer_typing import override
from aiochannel.remote.connection import LOG

if TYPE_CHECKING:
    from asyncio import StreamWriter

Argument: TypeAlias = bytes | str | int
Reply: TypeAlias = "bytes | int | Refusal | list[Reply] | None"
Credentials: TypeAlias = Callable[[], Awaitable[tuple[str, str]]]

CONNECTING: Final = 5.0
"""Seconds until a server that does not answer counts as out of reach."""


@final
class Lost(Exception):
    """The connection is lost, or there is none."""


@final
class Denied(Exception):
    """The server refuses this user; trying again does not help."""


@final
class Refusal(NamedTuple):
    """An error as the reply to one command."""

    kind: str
    """Its first word, or what stands for it: NOSCRIPT, OOM, NOPERM; "" for one that `KINDS` and `WORDS` do not have."""
    text: str


KINDS: Final = (
    (exceptions.NoScriptError, "NOSCRIPT"),
    (exceptions.OutOfMemoryError, "OOM"),
    (exceptions.NoPermissionError, "NOPERM"),
    (exceptions.ReadOnlyError, "READONLY"),
    (exceptions.ClusterDownError, "CLUSTERDOWN"),
    (exceptions.TryAgainError, "TRYAGAIN"),
    (exceptions.MasterDownError, "MASTERDOWN"),
)
WORDS: Final = ("BUSY", "MASTERDOWN", "MISCONF", "NOREPLICAS", "TRYAGAIN")
"""Errors for which some redis-py, or every one, has no class."""


class Wire(Protocol):
    """A connection. One task writes, and one reads."""

    def pack(self, *command: Argument) -> Sequence[bytes]:
        """Return a command as it is written."""
        ...

    async def connect(self) -> None:
        """Connect, and say who we are.

        Raises:
            Lost: that failed.
            Denied: the server does not know the user, the password is wrong, or we do not trust its certificate.

        Cancellation:
            The connection is to be cut.
        """
        ...

    async def write(self, parts: Sequence[bytes]) -> None:
        """Write commands.

        Raises:
            Lost: the connection is lost.

        Cancellation:
            The connection is to be cut.
        """
        ...

    async def read(self) -> Reply:
        """Wait for the next reply or push.

        Raises:
            Lost: the connection is lost.
            Denied: as in `connect`.

        Cancellation:
            The connection is to be cut.
        """
        ...

    def cut(self) -> None:
        """Close the connection at once; what was not sent yet never is. It may be called more than once."""
        ...


class Address(NamedTuple):
    """Where a server is, and who we are there."""

    scheme: str
    host: str
    port: int
    path: str
    db: int
    username: str | None
    password: str | None

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.scheme in ("rediss", "valkeys")

    @property
    def where(self) -> str:
        """The address without the password."""
        if self.path:
            return f"unix://{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def parse(url: str) -> Address:
    """Read the address of a server.

    Raises:
        ValueError: it is none.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("redis", "rediss", "valkey", "valkeys", "unix"):
        raise ValueError(
            f"the address of a server begins with redis, rediss, valkey, valkeys or unix, not {parts.scheme}"
        )
    is_path = parts.scheme == "unix"
    db = parse_qs(parts.query).get("db", [""])[0] or ("" if is_path else parts.path.strip("/")) or "0"
    if not db.isdecimal():
        raise ValueError(f"the number of a database, not {db!r}, ends the address of a server")
    return Address(
        parts.scheme,
        parts.hostname or "localhost",
        parts.port or 6379,
        unquote(parts.path) if is_path else "",
        int(db),
        unquote(parts.username) if parts.username else None,
        unquote(parts.password) if parts.password else None,
    )


@final
class _Provider(CredentialProvider):
    """Asks the application at every connect: a token may be short-lived."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    @override
    def get_credentials(self) -> tuple[str, str]:
        raise NotImplementedError("asked for by a connection that is not asynchronous")

    @override
    async def get_credentials_async(self) -> tuple[str, str]:
        try:
            return await self._credentials()
        except Exception as error:
            LOG.warning("the credentials for a server cannot be had: %s: %s", type(error).__name__, error)
            raise exceptions.ConnectionError(str(error)) from error


class _Settings(TypedDict):
    db: int
    username: str | None
    password: str | None
    credential_provider: CredentialProvider | None
    protocol: int
    socket_timeout: float | None
    socket_connect_timeout: float | None


def open_wire(address: Address, ssl: SSLContext | None, credentials: Credentials | None) -> Wire:
    """Return a connection that is not connected yet."""
    settings = _settings(address, _Provider(credentials) if credentials else None)
    if address.path:
        return RedisWire(UnixDomainSocketConnection(path=address.path, **settings))
    if not address.tls:
        return RedisWire(Connection(host=address.host, port=address.port, **settings))
    connection = SSLConnection(host=address.host, port=address.port, **settings)
    if ssl is not None:
        connection.ssl_context.context = ssl
    return RedisWire(connection)


def _settings(address: Address, provider: _Provider | None) -> _Settings:
    return {
        "db": address.db,
        "username": None if provider else address.username,
        "password": None if provider else address.password,
        "credential_provider": provider,
        "protocol": 2,
        "socket_timeout": None,
        "socket_connect_timeout": CONNECTING,
    }


@final
class RedisWire:
    """A connection of redis-py."""

    def __init__(self, connection: AbstractConnection) -> None:
        self._connection = connection
        self._process = os.getpid()

    def pack(self, *command: Argument) -> Sequence[bytes]:
        """As `Wire.pack`. That of redis-py takes arguments of more kinds, and twice the time."""
        parts = [b"*%d\r\n" % len(command)]
        for argument in command:
            raw = argument if isinstance(argument, bytes) else str(argument).encode()
            parts += (b"$%d\r\n" % len(raw), raw, b"\r\n")
        return (b"".join(parts),)

    async def connect(self) -> None:
        """As `Wire.connect`."""
        try:
            await self._connection.connect()
        except exceptions.ResponseError as error:
            raise Denied(str(error)) from error
        except (exceptions.RedisError, OSError) as error:
            raise _seen(error) from error

    async def write(self, parts: Sequence[bytes]) -> None:
        """As `Wire.write`."""
        if not self._connection.is_connected:  # it would connect again
            raise Lost
        try:
            await self._connection.send_packed_command(parts, check_health=False)
        except (exceptions.RedisError, OSError) as error:
            raise Lost from error

    async def read(self) -> Reply:
        """As `Wire.read`."""
        try:
            reply: Reply = await self._connection.read_response(timeout=inf)
        except exceptions.ResponseError as error:
            return _refusal(error)
        except (exceptions.RedisError, OSError, AttributeError) as error:  # no stream: it was cut
            raise _seen(error) from error
        return reply

    def cut(self) -> None:
        """As `Wire.cut`. In a forked child the socket is the parent's too: only this copy is closed."""
        # No public way leaves out what waits to be sent.
        writer: StreamWriter | None = getattr(self._connection, "_writer", None)
        if writer is None:
            return
        if os.getpid() != self._process:
            nothing = os.open(os.devnull, os.O_RDWR)
            os.dup2(nothing, writer.get_extra_info("socket").fileno())
            os.close(nothing)
        else:
            writer.transport.abort()
            setattr(self._connection, "_writer", None)  # noqa: B010  # redis-py would warn that it is not closed


def _refusal(error: exceptions.ResponseError) -> Refusal:
    for kind, name in KINDS:
        if isinstance(error, kind):
            return Refusal(name, str(error))
    word = str(error).partition(" ")[0]
    return Refusal(word if word in WORDS else "", str(error))


def _seen(error: Exception) -> Lost | Denied:
    denials = exceptions.AuthenticationError | exceptions.AuthorizationError
    # Over a unix socket it is wrapped, as is every other refusal.
    denied = isinstance(error, denials) or isinstance(error.__cause__, denials | exceptions.ResponseError)
    distrusted = isinstance(error.__context__, SSLCertVerificationError)
    return Denied(str(error)) if denied or distrusted else Lost(str(error))
