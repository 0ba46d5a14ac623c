from asyncio import AbstractEventLoop, Future
from collections.abc import Callable
from typing import Self

class Chan:
    def __init__(
        self,
        buffer: int | str | None = None,
        buffer_size: int | None = None,
        *,
        loop: AbstractEventLoop | str | None = None,
        name: str | None = None,
    ) -> None: ...
    def put(self, val: object) -> Future[bool]: ...
    def put_nowait(
        self, val: object, cb: Callable[[bool], object] | None = None, *, immediate_only: bool = True
    ) -> bool | None: ...
    def get(self) -> Future[object]: ...
    def get_nowait(self, cb: Callable[[object], object] | None = None, *, immediate_only: bool = True) -> object: ...
    def close(self) -> Self: ...
