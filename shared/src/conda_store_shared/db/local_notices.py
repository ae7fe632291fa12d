"""Notices of a process that has its database to itself (SQLite): told as soon as a transaction is committed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Hear = Callable[[str], None]


class LocalNotices:
    """Those who listen, by channel."""

    def __init__(self) -> None:
        self._listening: dict[str, list[Hear]] = {}

    def tell(self, channel: str, payload: str) -> None:
        """Tell all who listen to ``channel``."""
        for hear in tuple(self._listening.get(channel, ())):
            hear(payload)

    @contextmanager
    def heard_by(self, channel: str, hear: Hear) -> Iterator[None]:
        """Let somebody listen to ``channel`` for as long as the block takes."""
        self._listening.setdefault(channel, []).append(hear)
        try:
            yield
        finally:
            self._listening[channel].remove(hear)
