"""Where a side or a channel of one type must not stand for one of another."""

from collections.abc import AsyncIterator, Sequence

from aiochannel import Case, Channel, Receiver, Sender


class Animal:
    pass


class Dog(Animal):
    pass


def wants_animals_from(_rx: Receiver[Animal]) -> None: ...
def wants_dogs_from(_rx: Receiver[Dog]) -> None: ...
def wants_to_send_dogs(_tx: Sender[Dog]) -> None: ...
def wants_to_send_animals(_tx: Sender[Animal]) -> None: ...
def wants_channel_of_animals(_channel: Channel[Animal]) -> None: ...


def receiver_of_animals(rx: Receiver[Animal]) -> Receiver[Dog]:
    wants_dogs_from(rx)  # E: a receiver of animals passed as a receiver of dogs
    return rx  # E: a receiver of animals returned as a receiver of dogs


def iterator_of_animals(rx: Receiver[Animal]) -> AsyncIterator[Dog]:
    return rx  # E: a receiver of animals returned as an async iterator of dogs


def sender_of_dogs(tx: Sender[Dog]) -> Sender[Animal]:
    wants_to_send_animals(tx)  # E: a sender of dogs passed as a sender of animals
    return tx  # E: a sender of dogs returned as a sender of animals


def channel_of_dogs(dogs: Channel[Dog]) -> Channel[Animal]:
    wants_to_send_animals(dogs)  # E: a channel of dogs passed as a sender of animals
    wants_channel_of_animals(dogs)  # E: a channel of dogs passed as a channel of animals
    return dogs  # E: a channel of dogs returned as a channel of animals


def channel_of_animals(animals: Channel[Animal]) -> Channel[Dog]:
    wants_dogs_from(animals)  # E: a channel of animals passed as a receiver of dogs
    return animals  # E: a channel of animals returned as a channel of dogs


def handles(animals: Channel[Animal], dogs: Channel[Dog]) -> None:
    wants_dogs_from(animals.receiver)  # E: the receiver of a channel of animals passed as a receiver of dogs
    wants_to_send_animals(dogs.sender)  # E: the sender of a channel of dogs passed as a sender of animals
    tx, rx = animals.split()
    wants_dogs_from(rx)  # E: the receiver from split() has the channel's item type
    wants_animals_from(tx)  # E: the sender from split() passed as a receiver


def case_of_animals(animals: Channel[Animal]) -> Case[Dog]:
    return animals.on_get()  # E: a case of animals returned as a case of dogs


def none_is_not_left_out(rx: Receiver[Dog | None]) -> Receiver[Dog]:
    return rx  # E: a receiver of optional items returned as one of items


def none_is_not_added(tx: Sender[Dog]) -> Sender[Dog | None]:
    return tx  # E: a sender of items returned as one of optional items


def nested(tx: Sender[Sender[Animal]], rx: Receiver[Sequence[Animal]]) -> None:
    a: Sender[Sender[Dog]] = tx  # E: variance turns twice in a sender of senders
    b: Receiver[list[Dog]] = rx  # E: a receiver of sequences of animals assigned to one of lists of dogs
    _ = a, b
