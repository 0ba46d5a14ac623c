"""The one function that makes a hub of a server's address."""

import re
from contextlib import AbstractAsyncContextManager
from ssl import SSLContext
from typing import Final

from aiochannel.redis.broker import RedisBroker
from aiochannel.redis.wire import Credentials, open_wire, parse
from aiochannel.remote import connect as connect_memory
from aiochannel.remote.hub import Hub, patience_of

PREFIX: Final = re.compile(r"[A-Za-z0-9_.:-]{1,100}")


def connect(
    url: str,
    /,
    *,
    patience: float = 30.0,
    prefix: str = "aiochannel",
    ssl: SSLContext | None = None,
    credentials: Credentials | None = None,
) -> AbstractAsyncContextManager[Hub]:
    """Return a hub of a Redis or Valkey server, to be entered with `async with`.

    The url begins with `redis:`, `valkey:`, `rediss:` or `valkeys:` (TLS), or `unix:`, as in
    `redis://user:password@localhost:6379/0` or `unix:///run/redis.sock`; `memory:` is a server within this process.
    While the server is out of reach, calls wait for `patience` seconds, and then raise ChannelUnavailable.

    The names of all keys begin with `prefix`. `ssl` replaces the default context of TLS. `credentials` is awaited at
    every connect, and returns a user and a password.

    Raises:
        TypeError: `patience` is not a number.
        ValueError: an argument is of no use.
    """
    if url.startswith("memory:"):
        return connect_memory(url, patience=patience)
    if not PREFIX.fullmatch(prefix):
        raise ValueError(f"prefix has 1 to 100 of A-Za-z0-9_.:-, not {prefix!r}")
    address = parse(url)
    if credentials is not None and (address.username or address.password):
        raise ValueError("the url has a user or a password, and `credentials` are given, too")
    if ssl is not None and not address.tls:
        raise ValueError(f"an SSLContext is of use for rediss: and valkeys: only, not {address.scheme}:")
    return Hub(RedisBroker(address.where, lambda: open_wire(address, ssl, credentials), prefix), patience_of(patience))
