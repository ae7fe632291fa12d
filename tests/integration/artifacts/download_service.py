"""The downloads of a database and a store, as an application."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import httpx
from sqlalchemy import delete, insert
from traitlets.config import Config

from conda_store_artifacts.config import read_download_options
from conda_store_artifacts.main import build_downloads
from conda_store_shared.bus.memory import MemoryBus
from conda_store_shared.db.engine import Database
from conda_store_shared.db.models import (
    Build,
    BuildArtifact,
    BuildLog,
    CondaChannel,
    CondaPackage,
    CondaPackageBuild,
    Environment,
    IssuedToken,
    Namespace,
    Specification,
    StageAttempt,
    build_conda_package_build,
)
from conda_store_shared.db.moments import now
from conda_store_shared.domain.canonical import sha256_hex
from conda_store_shared.domain.lockfile import Lockfile
from conda_store_shared.domain.order import Order
from conda_store_shared.domain.permission import RoleBinding
from conda_store_shared.storage.object_store import ObjectStore
from conda_store_shared.transaction import Transactions
from conda_store_shared.web.application import create_application
from conda_store_shared.web.routing import prefixed
from conda_store_shared.web.tokens import Token, TokenSigner
from conda_store_shared.worker.service import Service

SECRET = "a secret for these tests, and for nothing else"
BEGAN = datetime(2026, 11, 22, 11, 0)
BUILD_KEY = "0123abcd-1700000000-1-what?"


def token_of(bindings: Mapping[str, Sequence[str]], lifetime: timedelta = timedelta(hours=1)) -> str:
    """A token with roles by namespace, on all of its environments."""
    parsed = tuple(RoleBinding.parse(f"{namespace}/*", roles) for namespace, roles in bindings.items())
    expiration = datetime.now(UTC) + lifetime
    return TokenSigner(SECRET).sign(Token(expiration=expiration, primary_namespace="someone", bindings=parsed))


def a_token(**bindings: Sequence[str]) -> str:
    """A token with roles by namespace, for an hour."""
    return token_of(bindings)


@dataclass(kw_only=True)
class DownloadService:
    """The application, and what tests put into its database and store."""

    database: Database
    store: ObjectStore
    url_prefix: str = "/conda-store"
    registry: str = "localhost:8080"
    signing_key: str = ""
    builder_id: str = ""
    bindings: Mapping[str, Sequence[str]] = field(default_factory=lambda: {"team": ("viewer",)})
    bus: MemoryBus = field(default_factory=MemoryBus)
    pull_limit: float = 20
    service: Service | None = None

    def _wired(self) -> Service:
        sections = {
            "AuthenticationBackend": {"secret": SECRET},
            "CondaStore": {"signing_key": self.signing_key, "builder_id": self.builder_id},
            "CondaStoreServer": {"url_prefix": self.url_prefix, "registry_external_url": self.registry},
        }
        options = replace(read_download_options(Config(sections)), pull_limit=self.pull_limit)
        return build_downloads(options, bus=self.bus, database=self.database, store=self.store)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """One service for all clients in the block, with its background running."""
        self.service = self._wired()
        tasks = [asyncio.ensure_future(part()) for part in self.service.background]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def client(self, *, token: str | None = None) -> httpx.AsyncClient:
        """Without a token given, one that may read namespace ``team``; with an empty one, nobody."""
        wired = self.service or self._wired()
        application = create_application(prefixed(self.url_prefix, wired.routes))
        shown = token_of(self.bindings) if token is None else token
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(application),
            base_url="http://conda-store.example",
            headers={"Authorization": f"Bearer {shown}"} if shown else {},
        )

    async def add_build(self) -> None:
        """Build 1 of environment ``team/what?``, which is its current one."""
        async with Transactions(self.database, "test").begin() as transaction:
            rows = [
                Namespace(id=1, name="team"),
                Environment(id=1, namespace_id=1, name="what?", current_build_id=1),
                Environment(id=2, namespace_id=1, name="empty"),
                Specification(id=1, name="what?", spec={}, sha256="0" * 64, created_on=BEGAN),
                Build(
                    id=1,
                    specification_id=1,
                    environment_id=1,
                    status="BUILDING",
                    scheduled_on=BEGAN,
                    build_key_version=2,
                    build_key=BUILD_KEY,
                ),
            ]
            for row in rows:
                transaction.session.add(row)
                await transaction.session.flush()

    async def revoke(self, identifier: str) -> None:
        """Revoke a token by its id."""
        row = IssuedToken(
            id=identifier, kind="script", primary_namespace="someone", created_on=BEGAN, revoked_on=now()
        )
        async with Transactions(self.database, "test").begin() as transaction:
            transaction.session.add(row)

    async def add_artifact(self, artifact_type: str, key: str, digest: str | None = None) -> None:
        """Record an artifact of build 1."""
        async with Transactions(self.database, "test").begin() as transaction:
            transaction.session.add(BuildArtifact(build_id=1, artifact_type=artifact_type, key=key, digest=digest))

    async def complete(self, lockfile: Lockfile, order: Order | None = None) -> None:
        """End build 1 with a lockfile."""
        key, content = f"lockfile/{BUILD_KEY}.yml", lockfile.to_text().encode()
        await self.store.put(key, content, "application/json")
        await self.add_artifact("LOCKFILE", key, sha256_hex(content))
        async with Transactions(self.database, "test").begin() as transaction:
            build = await transaction.session.get_one(Build, 1)
            build.status, build.started_on, build.ended_on = "COMPLETED", BEGAN, BEGAN + timedelta(seconds=9)
            build.order = order.to_value() if order else None

    async def become(self, status: str) -> None:
        """Let build 1 be of another status."""
        async with Transactions(self.database, "test").begin() as transaction:
            (await transaction.session.get_one(Build, 1)).status = status

    async def add_package(self, package_id: int, name: str, subdir: str, license_: str | None = None) -> None:
        """Install version 1.0 of a package in build 1."""
        async with Transactions(self.database, "test").begin() as transaction:
            session = transaction.session
            await session.merge(CondaChannel(id=1, name="https://conda.example.org/main"))
            session.add(CondaPackage(id=package_id, channel_id=1, name=name, version="1.0", license=license_))
            await session.flush()
            session.add(
                CondaPackageBuild(
                    id=package_id,
                    package_id=package_id,
                    build="h1_0",
                    build_number=0,
                    depends=[],
                    md5=f"md5-of-{name}",
                    sha256="",
                    size=-1,
                    subdir=subdir,
                )
            )
            await session.flush()
            row = {"build_id": 1, "conda_package_build_id": package_id}
            await session.execute(insert(build_conda_package_build).values(**row))

    async def add_log(self, attempt_id: str, sequence: int, lines: str, began: float = 0) -> None:
        """Write a piece of the log of an attempt that began so many seconds later than others."""
        async with Transactions(self.database, "test").begin() as transaction:
            (await transaction.session.get_one(Build, 1)).log_bytes += len(lines)
            transaction.session.add(
                BuildLog(
                    build_id=1,
                    stage="solve",
                    attempt_id=attempt_id,
                    sequence=sequence,
                    attempt_started_at=BEGAN + timedelta(seconds=began),
                    lines=lines,
                )
            )

    async def begin_attempt(self, attempt_id: str, number: int) -> None:
        """Let an attempt at solving begin."""
        async with Transactions(self.database, "test").begin() as transaction:
            transaction.session.add(
                StageAttempt(build_id=1, stage="solve", attempt_id=attempt_id, number=number, started_at=BEGAN)
            )

    async def end_attempt(self, attempt_id: str, outcome: str) -> None:
        """Let an attempt at solving end."""
        async with Transactions(self.database, "test").begin() as transaction:
            (await transaction.session.get_one(StageAttempt, (1, "solve", attempt_id))).outcome = outcome

    async def delete_build(self) -> None:
        """Delete build 1 with its log, as api does."""
        async with Transactions(self.database, "test").begin() as transaction:
            await transaction.session.execute(delete(BuildLog).where(BuildLog.build_id == 1))
            (await transaction.session.get_one(Build, 1)).deleted_on = BEGAN

    async def store_log(self, text: str) -> None:
        """End the log, as api does once all stages are over."""
        key = f"logs/{BUILD_KEY}.log"
        await self.store.put(key, text.encode(), "text/plain; charset=utf-8")
        await self.add_artifact("LOGS", key)
        async with Transactions(self.database, "test").begin() as transaction:
            build = await transaction.session.get_one(Build, 1)
            build.logs_stored_on = BEGAN
