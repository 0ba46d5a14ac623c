"""A configuration file that is read again when it changes: each worker finds the current one, and none reads the file.

python examples/reload_config.py
"""

import asyncio
import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from aiochannel import Receiver, Watch, select, tick

INTERVAL = 0.2


class Config(NamedTuple):
    """What the workers want to know."""

    greeting: str


def read(path: Path) -> Config:
    """Read the configuration.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not a configuration.
    """
    loaded: object = json.loads(path.read_text(encoding="utf-8"))
    match loaded:
        case {"greeting": str(greeting)}:
            return Config(greeting)
        case _:
            raise ValueError(f"{loaded!r} is not a configuration")


def changed_at(path: Path) -> int:
    """Return when the file was changed last."""
    return path.stat().st_mtime_ns if path.exists() else 0


async def reload(path: Path, config: Watch[Config]) -> None:
    """Set the configuration whenever the file has changed, until the Watch is closed. A broken file changes nothing."""
    seen = changed_at(path)
    ticks = tick(INTERVAL)
    while await select(config.on_close(), ticks.on_get(), biased=True) != (0, None):
        if (changed := changed_at(path)) == seen:
            continue
        seen = changed
        try:
            config.set(read(path))
        except ValueError as error:
            print("kept the old configuration:", error)


async def greet(name: str, configs: Receiver[Config]) -> None:
    """Apply each configuration that there is time for, until no more come."""
    async for config in configs:
        print(f"{name} says {config.greeting}")


def write(path: Path, config: object) -> None:
    """Write the file as an editor does it: a reader finds the old one or the new one."""
    later = changed_at(path) + 1_000_000_000  # two writes may fall into one tick of the file system
    new = path.with_suffix(".new")
    new.write_text(json.dumps(config), encoding="utf-8")
    os.utime(new, ns=(later, later))
    new.replace(path)


async def main() -> None:
    """Change the file twice, and break it once in between."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "config.json"
        write(path, {"greeting": "hello"})
        config = Watch(read(path), name="config")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(reload(path, config))
            for name in ("Ann", "Bob"):
                tasks.create_task(greet(name, config.observe()))
            await asyncio.sleep(INTERVAL)
            write(path, {"greeting": "hi"})
            await config.wait_for(lambda current: current.greeting == "hi")
            await asyncio.sleep(INTERVAL)
            write(path, {"greeting": 5})
            await asyncio.sleep(2 * INTERVAL)
            write(path, {"greeting": "bye"})
            await config.wait_for(lambda current: current.greeting == "bye")
            config.close()


if __name__ == "__main__":
    asyncio.run(main())
