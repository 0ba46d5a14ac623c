"""Servers as they are run elsewhere: with users who may do little, and in cluster mode."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager

from aiochannel.redis.scripts import SCRIPTS
from tests.redis.client import Client, text
from tests.servers import Program, Server, serving

DIRECT = ("evalsha", "script|load", "ssubscribe", "sunsubscribe", "ping", "info", "time", "scan", "select")
"""The commands that a hub sends. The others are those of the scripts."""
USER = "unix://worker:secret@"


def commands() -> list[str]:
    """Return every command that a user needs."""
    used = {
        name.lower() for script in SCRIPTS.values() for name in re.findall(r"call\('([A-Z]+)'", script.text.decode())
    }
    # What is called by a name in a variable.
    return sorted({*DIRECT, *used, "rpush", "lpush", "zrange", "lrange"})


def let_work(server: Server) -> str:
    """Make a user who has only what is needed, and return the address."""
    with closing(Client(server.socket)) as client:
        rights = [f"+{command}" for command in commands()]
        client("ACL", "SETUSER", "worker", "reset", "on", ">secret", "~aiochannel:*", "&aiochannel:*", *rights)
    return f"{USER}{server.socket}"


@contextmanager
def cluster(program: Program) -> Iterator[Server]:
    """Run a cluster of one node."""
    with serving(program, "--cluster-enabled", "yes", tcp=True) as server, closing(Client(server.socket)) as client:
        client("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        while b"cluster_state:ok" not in text(client("CLUSTER", "INFO")):
            pass
        yield server
