"""A server of each program that is found, one for all tests of this folder."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping

import pytest

from tests.conftest import LoopFactory
from tests.redis.fast import FastLoop
from tests.redis.opened import Open, opened
from tests.redis.world import World, world_of
from tests.servers import MISSING, Program, Server, excused, programs, serving


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "program" in metafunc.fixturenames:
        found: list[Program | None] = [*programs()] or [None]
        metafunc.parametrize("program", found, ids=lambda each: each.name if each else "none", scope="session")


@pytest.fixture(scope="session")
def found(program: Program | None) -> Program:
    if program is None:
        if excused():
            pytest.skip(MISSING)
        pytest.fail(MISSING)
    return program


@pytest.fixture(scope="session")
def server(found: Program) -> Iterator[Server]:
    with serving(found, tcp=True) as started:
        yield started


@pytest.fixture
async def world(server: Server) -> AsyncIterator[World]:
    async with world_of(server) as made:
        yield made


@pytest.fixture
async def broker(world: World) -> AsyncIterator[Open]:
    async with opened(world.server, world.name) as made:
        yield made


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> Mapping[str, LoopFactory]:
    """Use one loop: what differs between them is tested by `test_loops`, and what servers do takes its time."""
    return {"asyncio": FastLoop if item.get_closest_marker("fast_clock") else asyncio.new_event_loop}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "fast_clock: run on a loop whose seconds are shorter")
