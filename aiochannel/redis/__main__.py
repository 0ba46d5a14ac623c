"""Look at the channels of a server, and mend them.

python -m aiochannel.redis URL list
python -m aiochannel.redis URL show NAME              its settings, and what is in it
python -m aiochannel.redis URL peek NAME [N]          the next items; nothing is taken
python -m aiochannel.redis URL dead NAME              dead letters, and why
python -m aiochannel.redis URL revive NAME [ID ...]   dead letters become items again; without an id, all of them
python -m aiochannel.redis URL close NAME [TEXT]      no more items; TEXT is the cause
python -m aiochannel.redis URL delete NAME --yes      the channel and all that is in it

With --json every line is a JSON document.
"""

import argparse
import asyncio
import sys
from asyncio import timeout
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final, NoReturn

from msgspec import DecodeError, json, msgpack

from aiochannel.errors import ChannelError
from aiochannel.redis.broker import RedisBroker
from aiochannel.redis.wire import open_wire, parse
from aiochannel.remote.broker import Settings, Signal, State

PATIENCE: Final = 10.0
COMMANDS: Final = ("list", "show", "peek", "dead", "revive", "close", "delete")
FEW: Final = 10
MANY: Final = 1000
SHOWN: Final = 80
"""The bytes that are shown of an item that cannot be decoded."""


class Arguments:
    """What was asked for."""

    url: str
    command: str
    name: str
    more: list[str]
    prefix: str
    json: bool
    yes: bool


def read(item: bytes, form: str) -> object:
    """Return an item as something that JSON has, or its first bytes as text."""
    decode = msgpack.Decoder(object).decode if form == "msgpack" else json.Decoder(object).decode
    try:
        found = decode(item)
        json.encode(found)
    except (DecodeError, TypeError, UnicodeDecodeError):
        return repr(item[:SHOWN])
    return found


class Commands:
    """The commands about one server."""

    def __init__(self, broker: RedisBroker, *, as_json: bool) -> None:
        self.broker = broker
        self.as_json = as_json

    def say(self, found: object, text: str) -> None:
        """Print a result."""
        print(json.encode(found).decode() if self.as_json else text)

    async def run(self, command: str, name: str, more: Sequence[str]) -> None:
        """Run a command."""
        if command == "list":
            for each in await self.broker.names():
                self.say(each, each)
            return
        opened = await self.broker.open(name, None, ignore)
        if command == "show":
            await self.show(name, opened.settings)
        elif command == "peek":
            for item in await self.broker.peek(name, int(more[0]) if more else FEW):
                self.item(read(item, opened.settings.format))
        elif command == "dead":
            await self.dead(name, opened.settings.format)
        elif command == "revive":
            count = await self.broker.revive(name, more)
            self.say({"revived": count}, f"{count} dead letters are items again")
        elif command == "close":
            closed = await self.broker.close(name, " ".join(more) or None)
            self.say({"closed": closed}, "closed" if closed else "it was closed before")
        else:
            await self.broker.delete(name)
            self.say({"deleted": True}, "deleted")

    def item(self, item: object) -> None:
        """Print an item."""
        self.say(item, json.encode(item).decode())

    async def show(self, name: str, settings: Settings) -> None:
        """Print all about a channel."""
        now = await self.broker.show(name)
        found: dict[str, object] = {"name": name}
        found.update(zip(settings._fields, settings, strict=True))
        found |= json.decode(json.encode(now), type=dict[str, int | bool | str | None])
        self.say(found, "\n".join(f"{key:18} {value}" for key, value in found.items()))

    async def dead(self, name: str, form: str) -> None:
        """Print the dead letters of a channel."""
        for letter in await self.broker.dead(name, MANY):
            item = read(letter.item, form)
            text = f"{letter.id}  {letter.attempts} attempts: {letter.reason}\n    {json.encode(item).decode()}"
            found = {"id": letter.id, "attempts": letter.attempts, "reason": letter.reason, "when": letter.when}
            self.say(found | {"item": item}, text)


def ignore(state: State) -> None:
    """Take no notice of what changes on a channel."""


@asynccontextmanager
async def connected(url: str, prefix: str) -> AsyncIterator[RedisBroker]:
    """Have a connection for a while."""
    address = parse(url)
    broker = RedisBroker(address.where, lambda: open_wire(address, None, None), prefix)
    await broker.enter()
    try:
        async with timeout(PATIENCE):
            await broker.connected()
            yield broker
    finally:
        broker.abandon()


async def perform(arguments: Arguments) -> None:
    """Do what was asked for."""
    async with connected(arguments.url, arguments.prefix) as broker:
        await Commands(broker, as_json=arguments.json).run(arguments.command, arguments.name, arguments.more)


def parser() -> argparse.ArgumentParser:
    """Return what reads the arguments."""
    made = argparse.ArgumentParser(prog="python -m aiochannel.redis", description=__doc__, formatter_class=FORMAT)
    made.add_argument("url")
    made.add_argument("command", help=", ".join(COMMANDS))
    made.add_argument("name", nargs="?", default="")
    made.add_argument("more", nargs="*")
    made.add_argument("--prefix", default="aiochannel", help="with which the names of all keys begin")
    made.add_argument("--json", action="store_true", help="print JSON documents")
    made.add_argument("--yes", action="store_true", help="really delete")
    return made


FORMAT: Final = argparse.RawDescriptionHelpFormatter


def main(given: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    reader = parser()
    arguments = reader.parse_args(given, namespace=Arguments())
    if arguments.command not in COMMANDS:
        reader.error(f"no such command: {arguments.command}")
    if arguments.command != "list" and not arguments.name:
        reader.error(f"{arguments.command} needs the name of a channel")
    if arguments.command == "delete" and not arguments.yes:
        reader.error("delete removes the channel for everybody, for ever: say --yes")
    try:
        asyncio.run(perform(arguments))
    except (ChannelError, ValueError) as error:
        return fail(str(error))
    except (TimeoutError, Signal):
        return fail(f"the server was out of reach for {PATIENCE:g} s")
    return 0


def fail(text: str) -> int:
    """Print an error; return the exit code."""
    print(f"error: {text}", file=sys.stderr)
    return 1


def run() -> NoReturn:
    """Run the command line, and exit."""
    sys.exit(main())


if __name__ == "__main__":
    run()
