"""The channels that the tests of this folder are about."""

import pytest

from tests.contract.kinds import Kind, Sides


@pytest.fixture
def channel(kind: Kind) -> Sides:
    """An empty channel."""
    return kind.make()


@pytest.fixture
def full(kind: Kind) -> Sides:
    """A channel in which the next put waits."""
    return kind.full()


@pytest.fixture
def stocked(kind: Kind) -> Sides:
    """A channel that contains three items, or as many as it holds."""
    return kind.stocked()
