"""Where a build belongs, and what it left behind: asked by api and by artifacts."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_shared.db.models import Build, BuildArtifact, BuildLog, Environment, Namespace
from conda_store_shared.db.reading import Reader, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildPlace:
    """A build with the names it lives under."""

    build_id: int
    build_key: str
    namespace: str
    environment: str


_PLACE = (
    select(Build.id, Build.build_key, Namespace.name, Environment.name)
    .join(Environment, Environment.id == Build.environment_id)
    .join(Namespace, Namespace.id == Environment.namespace_id)
)
_PLACE_BY_ID = _PLACE.where(Build.id == bindparam("build_id"))
_PLACE_BY_KEY = _PLACE.where(Build.build_key == bindparam("build_key"))


async def find_build_place(reader: Reader, build_id: int) -> BuildPlace | None:
    """Return the place of a build, deleted ones included."""
    return _place(await reader.rows(_PLACE_BY_ID, build_id=build_id))


async def find_build_place_by_key(reader: Reader, build_key: str) -> BuildPlace | None:
    """Return the place of the build with ``build_key``."""
    return _place(await reader.rows(_PLACE_BY_KEY, build_key=build_key))


def _place(rows: Sequence[Row]) -> BuildPlace | None:
    if not rows:
        return None
    build_id, build_key, namespace, environment = rows[0]
    return BuildPlace(build_id=build_id, build_key=build_key, namespace=namespace, environment=environment)


async def find_current_build_id(session: AsyncSession, namespace: str, environment: str) -> int | None:
    """Return the current build of an environment; None when there is no such environment or build."""
    current: int | None = await session.scalar(
        select(Environment.current_build_id)
        .join(Namespace, Namespace.id == Environment.namespace_id)
        .where(Namespace.name == namespace, Environment.name == environment)
    )
    return current


async def find_artifact_key(session: AsyncSession, build_id: int, artifact_type: str) -> str | None:
    """Return the key under which a build's artifact of a type is stored; None when it is not."""
    key: str | None = await session.scalar(
        select(BuildArtifact.key)
        .where(BuildArtifact.build_id == build_id, BuildArtifact.artifact_type == artifact_type)
        .order_by(BuildArtifact.id)
        .limit(1)
    )
    return key


async def list_log_pieces(session: AsyncSession, build_id: int) -> list[tuple[str, str, str]]:
    """Return (stage, attempt id, lines) of a build's log, attempts in the order they began."""
    rows = await session.execute(
        select(BuildLog.stage, BuildLog.attempt_id, BuildLog.lines)
        .where(BuildLog.build_id == build_id)
        .order_by(BuildLog.attempt_started_at, BuildLog.attempt_id, BuildLog.sequence)
    )
    return [(stage, attempt_id, lines) for stage, attempt_id, lines in rows]
