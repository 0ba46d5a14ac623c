import traceback
from collections.abc import Callable

import pytest

from aiochannel import Channel, ChannelClosed, ChannelEmpty, ChannelError, ChannelFull, errors


def put_on_full() -> None:
    channel: Channel[int] = Channel(1)
    channel.put_nowait(1)
    channel.put_nowait(2)


def get_from_empty() -> None:
    Channel[int](1).get_nowait()


def put_on_closed() -> None:
    channel: Channel[int] = Channel(1)
    channel.close()
    channel.put_nowait(1)


def get_from_drained() -> None:
    channel: Channel[int] = Channel(1)
    channel.close()
    channel.get_nowait()


@pytest.mark.parametrize("error", [ChannelClosed, ChannelFull, ChannelEmpty])
def test_every_error_is_a_channel_error(error: type[Exception]) -> None:
    assert (ChannelError,) == error.__bases__


def test_a_channel_error_is_an_exception_that_a_program_may_catch() -> None:
    assert (Exception,) == ChannelError.__bases__


@pytest.mark.parametrize("error", [ChannelError, ChannelClosed, ChannelFull, ChannelEmpty])
def test_the_errors_are_the_same_in_the_package_and_in_its_module(error: type[Exception]) -> None:
    assert error is getattr(errors, error.__name__)


CLOSED = "<Channel at 0x[0-9a-f]+ maxsize=1 qsize=0 closed>"


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (put_on_full, ChannelFull, "<Channel at 0x[0-9a-f]+ maxsize=1 qsize=1> has no room"),
        (get_from_empty, ChannelEmpty, "<Channel at 0x[0-9a-f]+ maxsize=1 qsize=0> has no item"),
        (put_on_closed, ChannelClosed, f"{CLOSED} accepts no more items: closed by close[(][)]"),
        (get_from_drained, ChannelClosed, f"{CLOSED} is drained: closed by close[(][)]"),
    ],
)
def test_a_message_says_which_channel_and_what_is_true_of_it(
    act: Callable[[], None], error: type[ChannelError], message: str
) -> None:
    with pytest.raises(error, match=f"^{message}$"):
        act()


def test_each_raise_is_a_new_object_whose_traceback_does_not_grow() -> None:
    channel: Channel[int] = Channel()
    channel.close(OSError("disk on fire"))
    raised = []
    for _ in range(3):
        with pytest.raises(ChannelClosed) as caught:
            channel.get_nowait()
        raised.append(caught.value)
    assert 3 == len(set(raised))
    assert 1 == len({len(traceback.extract_tb(error.__traceback__)) for error in raised})


def test_the_traceback_of_the_cause_does_not_grow() -> None:
    channel: Channel[int] = Channel()
    cause = OSError("disk on fire")
    channel.close(cause)
    for _ in range(3):
        with pytest.raises(ChannelClosed):
            channel.put_nowait(1)
    assert cause.__traceback__ is None
