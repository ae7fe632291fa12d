"""Tells api of the specifications in watched paths (contract §4.10)."""

import asyncio
import math
import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog

from conda_store_builder.adapters.change_notices import ChangeNotices
from conda_store_builder.adapters.watched_files import Listing, Unreadable, Version, list_files, read_file
from conda_store_shared.bus.port import Bus
from conda_store_shared.contracts.envelope import Envelope
from conda_store_shared.contracts.events import SpecificationFound
from conda_store_shared.contracts.topology import BUILDER
from conda_store_shared.domain.canonical import sha256_hex
from conda_store_shared.domain.storage_keys import found_specification_key
from conda_store_shared.errors import Unavailable
from conda_store_shared.storage.object_store import ObjectStore

log = structlog.get_logger()
_RETRY_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchOptions:
    """What is watched, and when; times are seconds.

    A file is taken once it has been the same for ``steady``, so that none is taken half written.  Every ``interval``
    all are looked at, whether or not the system says that something changed; every ``repeat`` all are told again, for
    api may have rejected or lost them, and settings may be others.
    """

    paths: Sequence[Path]
    interval: float = 60.0
    steady: float = 1.0
    repeat: float = 600.0


class PathWatcher:
    """Tells of every file at the start, and then of those that changed; api decides which of them are new."""

    def __init__(self, options: WatchOptions, bus: Bus, store: ObjectStore) -> None:
        self._options = options
        self._bus = bus
        self._store = store
        self._wake = asyncio.Event()
        self._notices = ChangeNotices(options.paths, self._wake.set)
        self._seen: dict[Path, tuple[Version | Unreadable, float]] = {}
        self._told: dict[Path, Version | Unreadable] = {}
        self._warned: frozenset[Path] = frozenset()
        self._repeat_at = -math.inf
        bus.on_connected(self._on_connected)

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._notices.run(), name="change notices")
            group.create_task(self._look_forever(), name="watched paths")

    async def _on_connected(self) -> None:
        """The broker may have lost what it was told."""
        self._repeat_at = -math.inf
        self._wake.set()

    async def _look_forever(self) -> None:
        while True:
            self._wake.clear()
            pause = await self._look()
            try:
                async with asyncio.timeout(pause):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def _look(self) -> float:
        """Tell of what is new; return for how many seconds there is nothing more to do."""
        listing = await asyncio.to_thread(list_files, self._options.paths)
        self._notices.listen(listing.directories)
        self._warn(listing)
        now = asyncio.get_running_loop().time()
        if now >= self._repeat_at:
            self._told.clear()
            self._repeat_at = now + self._options.repeat
        steady = self._steady(listing, now)
        try:
            for path, version in steady.items():
                await self._tell(path, version)
        except Unavailable as error:
            log.warning("found_specifications_wait", reason=error.message)
            return min(_RETRY_SECONDS, self._options.interval)
        # What still changes, or changed while it was read.
        awaited = listing.files.keys() - self._told.keys()
        return min(self._options.steady, self._options.interval) if awaited else self._options.interval

    def _steady(self, listing: Listing, now: float) -> dict[Path, Version | Unreadable]:
        """Note what is there; return what is untold and has been the same for long enough."""
        before, self._seen = self._seen, {}
        for path, version in listing.files.items():
            earlier = before.get(path)
            self._seen[path] = earlier if earlier is not None and earlier[0] == version else (version, now)
        self._told = {path: told for path, told in self._told.items() if listing.files.get(path) == told}
        return {
            path: version
            for path, (version, since) in self._seen.items()
            if path not in self._told and now - since >= self._options.steady
        }

    async def _tell(self, path: Path, version: Version | Unreadable) -> None:
        """Tell of a file; raises Unavailable.  One that is another by now is told of once it is steady again."""
        content = version if isinstance(version, Unreadable) else await asyncio.to_thread(read_file, path, version)
        if content is None:
            return
        # Names need not be text, but messages are.
        name = os.fsencode(path).decode("utf-8", "backslashreplace")
        if isinstance(content, Unreadable):
            log.warning("watched_file_unreadable", path=name, reason=content.detail)
            await self._say(SpecificationFound(path=name, code=content.code, detail=content.detail))
        else:
            digest = sha256_hex(content)
            await self._store.put(found_specification_key(digest), content, "text/yaml")
            await self._say(SpecificationFound(path=name, digest=digest))
        self._told[path] = version

    async def _say(self, event: SpecificationFound) -> None:
        message_id = uuid.uuid4().hex
        envelope = Envelope(
            event=event, message_id=message_id, source=BUILDER, time=datetime.now(UTC), correlation_id=message_id
        )
        await self._bus.publish(envelope.encode())

    def _warn(self, listing: Listing) -> None:
        """Say once what is not as the configuration says."""
        for path in sorted(listing.missing - self._warned):
            log.warning("watched_path_missing", path=str(path))
        for path in sorted(listing.unsuitable - self._warned):
            log.warning("watched_path_ignored", path=str(path), reason="the name of a file must end in .yaml or .yml")
        self._warned = frozenset(listing.missing | listing.unsuitable)
