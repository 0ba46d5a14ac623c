"""A sender is contravariant, a receiver covariant; a channel does both and is invariant."""

from collections.abc import AsyncIterator, Sequence
from typing import assert_type

from aiochannel import Case, Channel, Receiver, Sender


class Animal:
    pass


class Dog(Animal):
    pass


def wants_animals_from(_rx: Receiver[Animal]) -> None: ...
def wants_to_send_dogs(_tx: Sender[Dog]) -> None: ...
def wants_a_case(_case: Case[Animal]) -> None: ...
def wants_channels(_channels: Sequence[Channel[Animal]]) -> None: ...


def receiver_of_dogs_gives_animals(rx: Receiver[Dog]) -> Receiver[Animal]:
    wants_animals_from(rx)
    return rx


def sender_of_animals_takes_dogs(tx: Sender[Animal]) -> Sender[Dog]:
    wants_to_send_dogs(tx)
    return tx


def anything_can_be_received_as_object(rx: Receiver[Dog]) -> Receiver[object]:
    return rx


def receiver_of_dogs_iterates_over_animals(rx: Receiver[Dog]) -> AsyncIterator[Animal]:
    return rx


def sender_of_anything_takes_dogs(tx: Sender[object]) -> Sender[Dog]:
    return tx


def channel_of_dogs_is_a_receiver_of_animals(dogs: Channel[Dog]) -> Receiver[Animal]:
    wants_animals_from(dogs)
    return dogs


def channel_of_dogs_iterates_over_animals(dogs: Channel[Dog]) -> AsyncIterator[Animal]:
    return dogs


def channel_of_animals_is_a_sender_of_dogs(animals: Channel[Animal]) -> Sender[Dog]:
    wants_to_send_dogs(animals)
    return animals


def channel_is_both_of_its_own_type(dogs: Channel[Dog]) -> tuple[Sender[Dog], Receiver[Dog], Channel[Dog]]:
    return dogs, dogs, dogs


def case_of_dogs_is_a_case_of_animals(dogs: Channel[Dog]) -> Case[Animal]:
    wants_a_case(dogs.on_get())
    return dogs.on_get()


async def subclass_may_be_put(animals: Channel[Animal], dog: Dog) -> None:
    await animals.put(dog)
    animals.put_nowait(dog)
    await animals.put_many([dog])
    assert_type(animals.on_put(dog), Case[None])


async def bool_is_an_int(flags: Channel[bool], numbers: Channel[int]) -> Receiver[int]:
    numbers.put_nowait(await flags.get())
    return flags


def variance_reaches_through_containers(rx: Receiver[list[Dog]]) -> Receiver[Sequence[Animal]]:
    return rx


def variance_turns_twice(tx: Sender[Sender[Dog]]) -> Sender[Sender[Animal]]:
    return tx


def variance_of_nested_receivers(rx: Receiver[Receiver[Dog]]) -> Receiver[Receiver[Animal]]:
    return rx


def channel_class_may_be_subclassed(dogs: "Kennel") -> Receiver[Animal]:
    assert_type(Kennel.rendezvous(), Kennel)
    wants_to_send_dogs(dogs)
    return dogs


class Kennel(Channel[Dog]):
    pass
