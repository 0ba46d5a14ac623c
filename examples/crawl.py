"""Work that makes more work: a crawler whose jobs carry their own sending end.

python examples/crawl.py [URL]

Without a URL it crawls a small site that it serves itself on 127.0.0.1. The crawl is done when no page waits and none
is being loaded: then the last end has left, and the frontier closes.
"""

import argparse
import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, NamedTuple
from urllib.parse import urljoin, urlsplit

import httpx
from typing_extensions import override

from aiochannel import Channel, End, Receiver, Sender, TaskGroup

WORKERS: Final = 4
PAGES: Final = 40
LINK: Final = re.compile(r'href="([^"#]+)"')


class Job(NamedTuple):
    """A page to load, and the right to put more pages into the frontier."""

    url: str
    end: "End[Sender[Job]]"


class Crawl:
    """What was found. `seen` is filled before a job is put, so no page is loaded twice."""

    def __init__(self, start: str) -> None:
        self.site = urlsplit(start).netloc
        self.seen = {start}
        self.loaded: list[str] = []
        self.dead: list[str] = []

    async def work(self, frontier: Receiver[Job], client: httpx.AsyncClient) -> None:
        async for url, end in frontier:
            with end as more:  # the job is under way until this block ends
                for link in await self.load(url, client):
                    if urlsplit(link).netloc == self.site and link not in self.seen:
                        self.seen.add(link)
                        await more.put(Job(link, end.clone()))

    async def load(self, url: str, client: httpx.AsyncClient) -> list[str]:
        """Load a page and return its links. A page that fails is noted, and ends nothing."""
        try:
            page = (await client.get(url)).raise_for_status()
        except httpx.HTTPError:
            self.dead.append(url)
            return []
        self.loaded.append(url)
        return [urljoin(url, link) for link in LINK.findall(page.text)]


async def crawl(start: str) -> Crawl:
    """Load every page of a site that can be reached from `start`."""
    found = Crawl(start)
    frontier = Channel[Job](name="frontier")  # unbounded: workers that waited for room would wait for each other
    frontier.put_nowait(Job(start, frontier.open_sender()))
    async with httpx.AsyncClient(timeout=10) as client, TaskGroup() as tasks:
        for _ in range(WORKERS):
            tasks.start_soon(found.work, frontier, client)
    return found


class Site(BaseHTTPRequestHandler):
    """Pages /0 to /39, each with links to four others, and one dead link."""

    def do_GET(self) -> None:
        name = self.path.strip("/") or "0"
        if not (name.isdecimal() and int(name) < PAGES):
            self.send_error(404)
            return
        links = [f"/{(int(name) * 3 + step) % PAGES}" for step in range(4)] + ["/missing"] * (name == "7")
        text = "".join(f'<a href="{link}">{link}</a>' for link in links).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing of each request."""


@contextmanager
def served() -> Iterator[str]:
    """Serve the small site, and give the URL of its first page."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/0"
        finally:
            server.shutdown()
            thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description="Load every page of a site that can be reached from its first.")
    parser.add_argument("url", nargs="?", help="the first page; without it a small site on 127.0.0.1 is served")
    url: str | None = parser.parse_args().url
    with served() if url is None else nullcontext(url) as start:
        found = asyncio.run(crawl(start))
    print(f"{len(found.loaded)} pages, {len(found.dead)} dead links")
    for link in sorted(found.dead):
        print("dead:", urlsplit(link).path)


if __name__ == "__main__":
    main()
