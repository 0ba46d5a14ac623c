"""Rows into sqlite, in batches by size or by time: no row waits longer than half a second to be stored.

python examples/batches.py [FILE]

A thousand readings from three sensors, which send in bursts. One task writes them; when the channel is closed it has
written the last.
"""

import argparse
import asyncio
from contextlib import suppress
from typing import Final

import aiosqlite

from aiochannel import Channel, ChannelClosed, End, Receiver, Sender, TaskGroup

SENSORS: Final = 3
READINGS: Final = 1_000
MOST: Final = 100
SECONDS: Final = 0.5

Row = tuple[int, int, float]


async def measure(sensor: int, end: End[Sender[Row]]) -> None:
    """Send a share of the readings in bursts of ten."""
    with end as rows:
        for number in range(sensor, READINGS, SENSORS):
            await rows.put((sensor, number, number / 10))
            if number % 30 == sensor:
                await asyncio.sleep(0.01)


async def store(rows: Receiver[Row], database: aiosqlite.Connection) -> list[int]:
    """Store what comes, and return the size of each batch."""
    sizes: list[int] = []
    with suppress(ChannelClosed):  # every row is stored
        while True:
            batch = await rows.get_many(MOST, within=SECONDS)
            await database.executemany("insert into readings values (?, ?, ?)", batch)
            await database.commit()
            sizes.append(len(batch))
    return sizes


async def main(path: str = ":memory:") -> None:
    rows = Channel[Row](MOST, name="rows")
    async with aiosqlite.connect(path) as database:
        await database.execute("create table readings (sensor integer, number integer, value real)")
        async with TaskGroup() as tasks:
            for sensor in range(SENSORS):
                tasks.start_soon(measure, sensor, rows.open_sender())
            storing = tasks.create_task(store(rows, database))
        async with database.execute("select count(*), count(distinct number) from readings") as cursor:
            print("rows stored, different ones:", *await cursor.fetchall())
    print("batches:", len(storing.result()), "the largest has", max(storing.result()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Store a thousand readings in batches.")
    parser.add_argument("file", nargs="?", default=":memory:", help="the database; without it, one in memory")
    asyncio.run(main(parser.parse_args().file))
