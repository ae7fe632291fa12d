"""Wakes whoever waits in this process for something to happen to a build."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


class BuildNotices:
    """Those who wait, by the builds they wait for."""

    def __init__(self) -> None:
        self._waiting: dict[int, set[asyncio.Event]] = {}
        self._somebody_waits = asyncio.Event()

    async def builds(self) -> Sequence[int]:
        """Return the builds that somebody waits for, as soon as there are any."""
        await self._somebody_waits.wait()
        return sorted(self._waiting)

    def hear(self, payload: str) -> None:
        """Something happened to these builds, whose ids are separated by spaces."""
        for number in payload.split():
            for event in self._waiting.get(int(number), ()):
                event.set()

    @contextmanager
    def of(self, build_id: int) -> Iterator[asyncio.Event]:
        """The event that is set whenever something happens to a build."""
        event = asyncio.Event()
        self._waiting.setdefault(build_id, set()).add(event)
        self._somebody_waits.set()
        try:
            yield event
        finally:
            self._waiting[build_id].discard(event)
            if not self._waiting[build_id]:
                del self._waiting[build_id]
            if not self._waiting:
                self._somebody_waits.clear()
