"""Which servers are of use, by what they say of themselves."""

from typing import Final

from aiochannel.remote.connection import LOG
from aiochannel.remote.errors import ChannelUnavailable

REDIS: Final = (7, 0)
VALKEY: Final = (7, 2)


def check(where: str, info: str, *, quiet: bool) -> None:
    """Read the reply to INFO; warn of what is not safe, unless `quiet`.

    Raises:
        ChannelUnavailable: the server is too old, or may remove keys of ours.
    """
    said = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
    # Valkey says a version of Redis, too.
    name, least = ("valkey", VALKEY) if "valkey_version" in said else ("redis", REDIS)
    version = said.get(f"{name}_version", "0")
    if tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) < least:
        raise ChannelUnavailable(f"{where} is {name} {version}: at least {name} {least[0]}.{least[1]} is needed")
    policy = said.get("maxmemory_policy", "noeviction")
    if policy != "noeviction" and said.get("maxmemory", "0") != "0":
        raise ChannelUnavailable(
            f"{where} may remove items: its maxmemory-policy is {policy}, and has to be noeviction"
        )
    if quiet:
        return
    if policy != "noeviction":
        LOG.warning("%s has maxmemory-policy %s: with a maxmemory it would remove items", where, policy)
    if said.get("aof_enabled") == "0":
        LOG.warning("%s has no append-only file: a restart of it loses items", where)
