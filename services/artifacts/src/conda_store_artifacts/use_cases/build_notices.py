"""Wakes whoever waits in this process for something to happen to a build."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class BuildNotices:
    """Those who wait, by the builds they wait for."""

    def __init__(self) -> None:
        self._waiting: dict[int, set[asyncio.Event]] = {}

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
        try:
            yield event
        finally:
            self._waiting[build_id].discard(event)
            if not self._waiting[build_id]:
                del self._waiting[build_id]
