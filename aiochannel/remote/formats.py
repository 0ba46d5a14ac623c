"""Formats: how items of a type become bytes, and bytes items again.

A format has a name, which is kept with the channel and compared by everybody who opens it, and a method that makes the
codec for one type. The type alone decides what the channel's items are. An application may bring its own.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Final, Generic, Protocol, TypeVar, final

from typing_extensions import TypeForm

T = TypeVar("T")


class Codec(Protocol[T]):
    """Makes bytes of the items of one type, and items of bytes. Both raise an Exception for what they cannot do."""

    def encode(self, item: T, /) -> bytes:
        """Return the item as bytes."""
        ...

    def decode(self, raw: bytes, /) -> T:
        """Return the item that the bytes stand for, of the right type."""
        ...


class Format(Protocol):
    """How items are written."""

    @property
    def name(self) -> str:
        """The same wherever the bytes are the same."""
        ...

    def codec(self, of: TypeForm[T], /) -> Codec[T]:
        """Return the codec for the items of a type."""
        ...


@final
class _Calls(Generic[T]):
    """A codec that is made of two functions, which are called without a method between."""

    __slots__ = ("decode", "encode")

    def __init__(self, encode: Callable[[T], bytes], decode: Callable[[bytes], T]) -> None:
        self.encode = encode
        self.decode = decode


@final
class _Msgpack:
    name: Final = "msgpack"

    def codec(self, of: TypeForm[T], /) -> Codec[T]:
        from msgspec import msgpack  # noqa: PLC0415  # an application with a format of its own does without

        decoder = msgpack.Decoder(of)
        return _Calls(msgpack.Encoder().encode, decoder.decode)


@final
class _Json:
    name: Final = "json"

    def codec(self, of: TypeForm[T], /) -> Codec[T]:
        from msgspec import json  # noqa: PLC0415

        decoder = json.Decoder(of)
        return _Calls(json.Encoder().encode, decoder.decode)


@final
class _Pydantic:
    name: Final = "pydantic"

    def codec(self, of: TypeForm[T], /) -> Codec[T]:
        adapter = import_module("pydantic").TypeAdapter(of)
        return _Calls(adapter.dump_json, adapter.validate_json)


MSGPACK: Final[Format] = _Msgpack()
"""MessagePack, by msgspec: dataclasses, msgspec's Structs, TypedDicts, unions, dates and the built-in types."""
JSON: Final[Format] = _Json()
"""JSON, by msgspec: for other programs that read the server."""
PYDANTIC: Final[Format] = _Pydantic()
"""JSON, by pydantic, which is imported on use: for its models."""
