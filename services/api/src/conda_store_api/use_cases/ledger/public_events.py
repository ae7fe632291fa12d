"""The public event log: written once, by the transaction that changes the state (design §3.11)."""

from datetime import datetime
from typing import Any

from conda_store_api.repositories.builds import LockedBuild
from conda_store_api.use_cases.act import Act
from conda_store_shared.db.models import PublicEvent
from conda_store_shared.domain.public_event import PublicEventType
from conda_store_shared.transaction import Transaction


def record_build_event(
    transaction: Transaction,
    locked: LockedBuild,
    kind: PublicEventType,
    now: datetime,
    data: dict[str, Any] | None = None,
) -> None:
    """Write a public event about a build, of something that happened by itself."""
    record_act(transaction, locked, kind, Act(actor=None, now=now), data)


def record_act(
    transaction: Transaction, locked: LockedBuild, kind: PublicEventType, act: Act, data: dict[str, Any] | None = None
) -> None:
    """Write a public event about a build, of something that somebody did."""
    transaction.record(
        PublicEvent(
            type=kind,
            time=act.now,
            namespace=locked.namespace,
            environment=locked.environment,
            build_id=locked.build.id,
            actor=act.actor,
            data={"build_key": locked.build.build_key, **(data or {})},
        )
    )


def record_place_event(
    transaction: Transaction, place: tuple[str, str | None], kind: PublicEventType, act: Act
) -> None:
    """Write a public event about a namespace, or an environment in it."""
    namespace, environment = place
    transaction.record(
        PublicEvent(type=kind, time=act.now, namespace=namespace, environment=environment, actor=act.actor, data={})
    )
