"""Tells the ledger how full the disk of the prefixes is, which decides whether more builds are accepted."""

import asyncio
import shutil
import uuid
from datetime import UTC, datetime
from pathlib import Path

import structlog

from conda_store_shared.bus.port import Bus
from conda_store_shared.contracts.envelope import Envelope
from conda_store_shared.contracts.events import StorageMeasured
from conda_store_shared.contracts.topology import BUILDER
from conda_store_shared.errors import BusUnavailable
from conda_store_shared.telemetry import disk

log = structlog.get_logger()
_RETRY_SECONDS = 5.0


class DirectoryMeter:
    """Measures at the start and every ``interval`` seconds."""

    def __init__(self, bus: Bus, store_directory: Path, interval: float) -> None:
        self._bus = bus
        self._store_directory = store_directory
        self._interval = interval

    async def run(self) -> None:
        """Measure and tell until cancelled."""
        while True:
            pause = self._interval
            try:
                await self._tell(await asyncio.to_thread(measure, self._store_directory))
            except OSError as error:
                # A volume that is away now is measured next time.
                log.warning("storage_not_measured", reason=str(error))
            except BusUnavailable:
                # The figures would be old once the broker is back.
                pause = min(self._interval, _RETRY_SECONDS)
            await asyncio.sleep(pause)

    async def _tell(self, measured: StorageMeasured) -> None:
        disk.measured(free=measured.free, used=measured.used, total=measured.total)
        message_id = uuid.uuid4().hex
        envelope = Envelope(
            event=measured,
            message_id=message_id,
            source=BUILDER,
            time=datetime.now(UTC),
            correlation_id=message_id,
        )
        await self._bus.publish(envelope.encode())


def measure(directory: Path) -> StorageMeasured:
    """Return the figures of the disk that holds ``directory``, which need not be there yet; raises OSError."""
    while not directory.exists() and directory != directory.parent:
        directory = directory.parent
    usage = shutil.disk_usage(directory)
    return StorageMeasured(free=usage.free, used=usage.used, total=usage.total)
