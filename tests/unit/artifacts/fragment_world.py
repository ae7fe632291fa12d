"""Locked packages, a maker whose fragments are known in advance, and a database with a build."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, update

from conda_store_artifacts.domain.fragment import Codec, FragmentFormat, FragmentKind
from conda_store_artifacts.domain.fragment_files import FragmentFiles, Mention
from conda_store_artifacts.ports import FragmentOrder, MadeFragment
from conda_store_artifacts.use_cases.provide_fragments import FragmentRequest, FragmentTools
from conda_store_shared.child.report import Report
from conda_store_shared.db.engine import Database
from conda_store_shared.db.models import ArtifactBlob, Blob, Build, Environment, Namespace, Specification
from conda_store_shared.db.moments import now
from conda_store_shared.domain.canonical import sha256_hex
from conda_store_shared.domain.lockfile import Lockfile
from conda_store_shared.storage.object_store import ObjectStore
from conda_store_shared.transaction import Transactions

PLATFORM = "linux-64"
CHANNEL = "https://conda.example/channel"
ARCHIVE = FragmentFormat(kind=FragmentKind.ARCHIVE, codec=Codec.GZIP, level=1)
BEGAN = datetime(2026, 11, 22, 11, 0)


def locked(name: str, version: str = "1.0", subdir: str = PLATFORM) -> dict[str, Any]:
    """The entry of a conda package in a lockfile."""
    return {
        "name": name,
        "version": version,
        "manager": "conda",
        "platform": PLATFORM,
        "url": f"{CHANNEL}/{subdir}/{name}-{version}-0.conda",
        "hash": {"sha256": sha256_hex(f"{name} {version}".encode())},
        "dependencies": {},
    }


def a_lockfile(*packages: dict[str, Any]) -> Lockfile:
    return Lockfile.from_value({"version": 1, "metadata": {"platforms": [PLATFORM]}, "package": list(packages)})


def a_request(*packages: dict[str, Any], wanted: FragmentFormat = ARCHIVE) -> FragmentRequest:
    return FragmentRequest(lockfile=a_lockfile(*packages), platform=PLATFORM, format=wanted, deadline=60.0)


@dataclass
class PlainMaker:
    """Makes fragments that hold the name of their package; ``orders`` are those it was given.

    It makes none before it ``may_go_on``.  Of what is in a name: ``mention`` mentions its prefix, ``clobber`` brings a
    file others bring, too, ``script`` a link script.
    """

    orders: list[FragmentOrder] = field(default_factory=list)
    failure: Exception | None = None
    may_go_on: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.may_go_on.set()

    async def make(self, order: FragmentOrder, directory: Path, report: Report) -> list[MadeFragment]:
        self.orders.append(order)
        if self.failure is not None:
            raise self.failure
        await self.may_go_on.wait()
        return await asyncio.to_thread(self._make, order, directory)

    def _make(self, order: FragmentOrder, directory: Path) -> list[MadeFragment]:
        made = []
        for package in order.wanted:
            raw = f"{order.format.kind} of {package.name} {package.version}".encode()
            path = directory / package.name
            path.write_bytes(raw)
            name = package.name
            mentions = [Mention(path=f"etc/{name}", placeholder="/p", mode="text")] if "mention" in name else []
            paths = ["lib/shared" if "clobber" in name else f"lib/{name}"]
            made.append(
                MadeFragment(
                    package=package,
                    path=path,
                    digest=sha256_hex(raw),
                    size=len(raw),
                    raw_digest=sha256_hex(raw),
                    raw_size=len(raw),
                    files=FragmentFiles.of(paths, mentions, link_script="script" in name),
                )
            )
        return made

    def made(self) -> list[str]:
        """The names of all packages that were asked for, in order."""
        return [package.name for order in self.orders for package in order.wanted]


@dataclass(kw_only=True)
class World:
    """What the use cases stand on."""

    database: Database
    store: ObjectStore
    tools: FragmentTools
    maker: PlainMaker

    async def add_builds(self, *build_ids: int) -> None:
        async with self.tools.transactions.begin() as transaction:
            session = transaction.session
            await session.execute(insert(Namespace), [{"id": 1, "name": "team"}])
            await session.execute(insert(Environment), [{"id": 1, "namespace_id": 1, "name": "weather"}])
            specification = {"id": 1, "name": "weather", "spec": {}, "sha256": "0" * 64, "created_on": BEGAN}
            await session.execute(insert(Specification), [specification])
            rows = [
                {
                    "id": build_id,
                    "specification_id": 1,
                    "environment_id": 1,
                    "status": "COMPLETED",
                    "scheduled_on": BEGAN,
                    "build_key_version": 2,
                    "build_key": f"0123abcd-1700000000-{build_id}-weather",
                }
                for build_id in build_ids
            ]
            await session.execute(insert(Build), rows)

    async def age_blobs(self, by: timedelta) -> None:
        """Let all blobs have been used last so long ago."""
        async with self.tools.transactions.begin() as transaction:
            await transaction.session.execute(update(Blob).values(used_on=now() - by))

    async def blobs(self) -> dict[str, datetime]:
        """When each blob was used last, by digest."""
        async with self.database.session() as session:
            rows = await session.execute(select(Blob.digest, Blob.used_on))
            return {row.digest: row.used_on for row in rows}

    async def used_by(self, build_id: int) -> set[str]:
        """The digests of the blobs that artifacts of a build need."""
        async with self.database.session() as session:
            return set(await session.scalars(select(ArtifactBlob.digest).where(ArtifactBlob.build_id == build_id)))

    async def stored(self, digests: Sequence[str]) -> list[bool]:
        """Whether each archive fragment is in the store."""
        return [await self.store.head(f"fragment/{digest}") is not None for digest in digests]


def a_world(database: Database, store: ObjectStore, directory: Path) -> World:
    maker = PlainMaker()
    transactions = Transactions(database, "artifacts")
    tools = FragmentTools(transactions=transactions, store=store, maker=maker, work_directory=directory)
    return World(database=database, store=store, tools=tools, maker=maker)
