"""Rows of a CSV file into SQLite: a thread reads, tasks check, and rows are stored by 500 or by what came in 0.2 s.

    python examples/import_rows.py payments.csv payments.db

Each row has a name and an amount. A row that is wrong ends the import, and so does Ctrl-C: what was stored by then
stays, and the last line says how much that is. The thread may be blocked in a put just then: it is told, so the program
ends.
"""

import asyncio
import csv
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from aiochannel import BlockingSender, Channel, ChannelClosed, End, Receiver, Sender, TaskGroup, ThreadChannel, origins

Line = tuple[int, list[str]]
Payment = tuple[str, float]
CHECKERS = 2


def read(path: Path, end: End[BlockingSender[Line]]) -> None:
    """Read the file, in a thread. The end passes an error on as the cause of the close."""
    with end as lines, path.open(newline="") as file:
        for number, fields in enumerate(csv.reader(file), 1):
            lines.put((number, fields))


async def check(lines: Receiver[Line], end: End[Sender[Payment]]) -> None:
    """Make payments of lines."""
    with end as payments:
        async for number, fields in lines:
            try:
                name, amount = fields
                await payments.put((name, float(amount)))
            except ValueError as error:
                raise ValueError(f"line {number}: {error}") from error


class Store:
    """Stores payments, each batch as one transaction."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self.database = database
        self.count = 0

    async def run(self, payments: Receiver[Payment]) -> None:
        """Store until no more will come."""
        self.database.execute("create table if not exists payments (name text, amount real)")
        while True:
            try:
                batch = await payments.get_many(500, within=0.2)
            except ChannelClosed:
                return
            with self.database:
                self.database.executemany("insert into payments values (?, ?)", batch)
            if not self.count:
                print("importing", flush=True)
            self.count += len(batch)


async def transfer(path: Path, store: Store) -> None:
    """Import the file."""
    lines = ThreadChannel[Line](1000, name="lines")
    payments = Channel[Payment](1000, name="payments")
    async with TaskGroup() as tasks:
        tasks.create_task(asyncio.to_thread(read, path, lines.blocking.open_sender()))
        for _ in range(CHECKERS):
            tasks.start_soon(check, lines, payments.open_sender())
        tasks.start_soon(store.run, payments)


def main(arguments: Sequence[str]) -> int:
    """Import, say how many rows are stored, and return the exit status."""
    path, target = map(Path, arguments)
    with closing(sqlite3.connect(target)) as database:
        store = Store(database)
        try:
            asyncio.run(transfer(path, store))
        except* (ValueError, OSError) as errors:
            for error in origins(errors):
                print(f"failed: {error}")
            status = 1
        except* KeyboardInterrupt:
            print("interrupted")
            status = 130
        else:
            status = 0
        print(f"stored {store.count} rows")
        return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
