"""Rows of what was decided about watched files."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, exists, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_shared.db.models import Build, Environment, FoundSpecification, Namespace, Specification
from conda_store_shared.db.statements import upsert_all
from conda_store_shared.domain.canonical import sha256_hex

# Any number will do, as long as nothing else locks it.
_LOCK = text(f"SELECT pg_advisory_xact_lock({0x666F756E_64})")
_IDENTITY = ("namespace", "path_digest", "digest")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundText:
    """One content of one watched file; the digest is empty when the file could not be read."""

    namespace: str
    path: str
    digest: str

    @property
    def path_digest(self) -> str:
        """What the path is known by."""
        return sha256_hex(self.path.encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What became of it: registered as a specification, or rejected for a reason."""

    specification_sha256: str | None = None
    code: str | None = None


async def own_found_specifications(session: AsyncSession) -> None:
    """Let nobody else decide about a watched file until this transaction ends; the first thing it does.

    On SQLite transactions that write go one by one, and nothing is to be done.
    """
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(_LOCK)


async def find_decision(session: AsyncSession, found: FoundText) -> Decision | None:
    """Return what was decided about a text, or None."""
    row = (
        await session.execute(
            select(FoundSpecification.specification_sha256, FoundSpecification.code).where(
                FoundSpecification.namespace == found.namespace,
                FoundSpecification.path_digest == found.path_digest,
                FoundSpecification.digest == found.digest,
            )
        )
    ).one_or_none()
    return None if row is None else Decision(specification_sha256=row[0], code=row[1])


async def keep_decision(session: AsyncSession, found: FoundText, decision: Decision, now: datetime) -> None:
    """Keep what was decided; with a file that is registered its earlier rejections are forgotten."""
    if decision.code is None:
        await session.execute(
            delete(FoundSpecification).where(
                FoundSpecification.namespace == found.namespace,
                FoundSpecification.path_digest == found.path_digest,
                FoundSpecification.code.is_not(None),
            )
        )
    row = {
        "namespace": found.namespace,
        "path_digest": found.path_digest,
        "digest": found.digest,
        "path": found.path,
        "specification_sha256": decision.specification_sha256,
        "code": decision.code,
        "decided_on": now,
    }
    await upsert_all(session, FoundSpecification, [row], identity=_IDENTITY)


async def has_build(session: AsyncSession, namespace: str, specification_sha256: str) -> bool:
    """Whether a namespace has a build of a specification, in whatever state."""
    made = (
        exists()
        .where(Specification.sha256 == specification_sha256, Build.specification_id == Specification.id)
        .where(Environment.id == Build.environment_id, Namespace.id == Environment.namespace_id)
        .where(Namespace.name == namespace)
    )
    return bool(await session.scalar(select(made)))
