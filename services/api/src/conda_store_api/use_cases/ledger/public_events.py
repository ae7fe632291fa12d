"""The public event log: written once, by the transaction that changes the state (design §3.11)."""

from dataclasses import dataclass
from datetime import datetime

from conda_store_api.repositories.builds import LockedBuild
from conda_store_api.use_cases.act import Act
from conda_store_shared.contracts.public_events import BuildPayload, BuildSolved, BuildStarted, PublicPayload
from conda_store_shared.db.models import PublicEvent
from conda_store_shared.domain.build import BuildStatus
from conda_store_shared.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Place:
    """Where something happened; what is nowhere, such as a channel, has the empty namespace."""

    namespace: str
    environment: str | None = None
    build_id: int | None = None


def record_build_event(transaction: Transaction, locked: LockedBuild, payload: BuildPayload, now: datetime) -> None:
    """Write a public event about a build, of something that happened by itself."""
    record_act(transaction, locked, payload, Act(actor=None, now=now))


def record_started(transaction: Transaction, locked: LockedBuild, now: datetime) -> None:
    """Tell that somebody works on a build, unless that was told; to be called before its rank is raised."""
    if locked.build.status == BuildStatus.QUEUED:
        record_build_event(transaction, locked, BuildStarted(build_key=locked.build.build_key), now)


def record_solved(transaction: Transaction, locked: LockedBuild, lockfile_digest: str, now: datetime) -> None:
    """Tell that the lockfile of a build is there."""
    solved = BuildSolved(build_key=locked.build.build_key, lockfile_digest=lockfile_digest)
    record_build_event(transaction, locked, solved, now)


def record_act(transaction: Transaction, locked: LockedBuild, payload: BuildPayload, act: Act) -> None:
    """Write a public event about a build, of something that somebody did."""
    record_at(transaction, Place(locked.namespace, locked.environment, locked.build.id), payload, act)


def record_at(transaction: Transaction, place: Place, payload: PublicPayload, act: Act) -> None:
    """Write a public event of a place."""
    transaction.record(
        PublicEvent(
            type=payload.kind,
            time=act.now,
            namespace=place.namespace,
            environment=place.environment,
            build_id=place.build_id,
            actor=act.actor,
            data=payload.to_data(),
        )
    )
