"""Tells the loops of this process that read the log of public events when there is more of it."""

from collections.abc import Callable

from conda_store_shared.db.engine import Database
from conda_store_shared.db.notices import Listener
from conda_store_shared.transaction import EVENT_NOTICES


class EventNotices:
    """Wakes whoever reads the log of public events, whichever process has written to it.

    A notice may be lost with a connection, so readers look for themselves every two seconds as well.
    """

    def __init__(self, database: Database) -> None:
        self._wakes: list[Callable[[], None]] = []
        self._listener = Listener(database, EVENT_NOTICES, self._hear)

    def attach(self, wake: Callable[[], None]) -> None:
        """Have ``wake``, which takes no time, called whenever something was added."""
        self._wakes.append(wake)

    async def run(self) -> None:
        """Listen until cancelled."""
        await self._listener.run()

    def _hear(self, _payload: str) -> None:
        for wake in self._wakes:
            wake()
