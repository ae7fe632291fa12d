"""Files that are read and written in threads, for coroutines that may be cancelled at any time."""

import asyncio
import os
import threading
from collections.abc import Callable, Sequence
from io import FileIO
from types import TracebackType
from typing import BinaryIO, Self, TypeVar

_Result = TypeVar("_Result")
# Seconds; a disk that does not answer at all is left to its thread.
_PATIENCE = 10.0


class ThreadedFile:
    """A file that ``opening`` opens in a thread, and that is closed when it is left, but never under a thread at work.

    Whoever is cancelled leaves its thread behind.  Were the file closed meanwhile, its descriptor would be the next
    one's to be opened, and the thread would read from, or write to, somebody's socket.
    """

    def __init__(self, opening: Callable[[], BinaryIO | FileIO]) -> None:
        self._opening = opening
        self._turn = threading.Lock()
        self._opened: BinaryIO | FileIO | None = None
        self._is_left = False

    async def __aenter__(self) -> Self:
        """Open it; raises what that raises."""
        try:
            await self._work(self._open)
        except asyncio.CancelledError:
            await self._leave()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        closing = await self._leave()
        if error is None and closing.done():
            closing.result()

    async def read(self, size: int = -1) -> bytes:
        """As many bytes as are at hand, at most ``size``, or all; none at the end."""
        return await self._work(self._read, size)

    async def write(self, pieces: Sequence[bytes]) -> None:
        """Write all of it; raises OSError when the disk takes less."""
        await self._work(self._write, pieces)

    async def sync(self) -> None:
        """Return when what was written is on the disk."""
        await self._work(self._sync)

    def fileno(self) -> int:
        """The descriptor; raises ValueError when it is closed."""
        return self._file.fileno()

    @property
    def _file(self) -> BinaryIO | FileIO:
        if self._opened is None:
            raise ValueError("the file is closed")
        return self._opened

    async def _work(self, function: Callable[..., _Result], *arguments: object) -> _Result:
        return await asyncio.to_thread(self._in_turn, function, *arguments)

    async def _leave(self) -> "asyncio.Future[None]":
        self._is_left = True
        closing = asyncio.get_running_loop().run_in_executor(None, self._in_turn, self._close)
        await asyncio.wait({closing}, timeout=_PATIENCE)
        return closing

    def _in_turn(self, function: Callable[..., _Result], *arguments: object) -> _Result:
        with self._turn:
            return function(*arguments)

    def _open(self) -> None:
        if not self._is_left:
            self._opened = self._opening()

    def _close(self) -> None:
        if self._opened is not None:
            opened, self._opened = self._opened, None
            opened.close()

    def _read(self, size: int) -> bytes:
        content: bytes = self._file.read(size)
        return content

    def _write(self, pieces: Sequence[bytes]) -> None:
        for piece in pieces:
            view = memoryview(piece)
            while view:
                view = view[self._file.write(view) :]

    def _sync(self) -> None:
        os.fsync(self._file.fileno())
