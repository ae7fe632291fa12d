"""What the database of a ledger holds."""

from typing import Any, TypeVar

from sqlalchemy import select

from conda_store_shared.db.engine import Database
from conda_store_shared.db.models import (
    Build,
    BuildArtifact,
    BuildLog,
    BuildStage,
    Discard,
    Environment,
    Model,
    Namespace,
    PublicEvent,
)

Row = TypeVar("Row")


class LedgerRows:
    """Reads rows as they are now."""

    database: Database

    async def build(self, build_id: int) -> Build:
        """The build as it is now."""
        return (await self._rows(Build, Build.id == build_id))[0]

    async def stages(self, build: Build) -> dict[str, BuildStage]:
        """The stages of a build by name."""
        return {row.stage: row for row in await self._rows(BuildStage, BuildStage.build_id == build.id)}

    async def environment(self, build: Build) -> Environment:
        """The environment of a build."""
        return (await self._rows(Environment, Environment.id == build.environment_id))[0]

    async def artifacts(self, build: Build) -> list[str]:
        """The types of a build's artifacts, sorted."""
        rows = await self._rows(BuildArtifact, BuildArtifact.build_id == build.id)
        return sorted(row.artifact_type for row in rows)

    async def log(self, build: Build) -> list[str]:
        """The pieces of a build's log in the order they are shown."""
        rows = await self._rows(BuildLog, BuildLog.build_id == build.id)
        rows = sorted(rows, key=lambda row: (row.attempt_started_at, row.attempt_id, row.sequence))
        return [row.lines for row in rows]

    async def events(self, build: Build | None = None) -> list[str]:
        """The types of the public events, in their order."""
        rows = await self._rows(PublicEvent, True if build is None else PublicEvent.build_id == build.id)
        return [row.type for row in sorted(rows, key=lambda row: row.id)]

    async def discards(self) -> list[Discard]:
        """What is still to go."""
        return await self.rows(Discard)

    async def rows(self, table: type[Row]) -> list[Row]:
        """Every row of a table."""
        return await self._rows(table, True)

    async def count(self, *tables: type[Model]) -> list[int]:
        """How many rows the tables have."""
        return [len(await self.rows(table)) for table in tables]

    async def namespaces(self) -> list[str]:
        """The names of all namespaces."""
        return sorted(row.name for row in await self._rows(Namespace, True))

    async def _rows(self, table: type[Row], condition: Any) -> list[Row]:
        async with self.database.session() as session:
            query = select(table)
            return list((await session.scalars(query if condition is True else query.where(condition))).all())
