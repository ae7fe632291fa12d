"""The public event log: written once, by the transaction that changes the state (design §3.11)."""

from datetime import datetime
from typing import Any

from conda_store_api.repositories.builds import LockedBuild
from conda_store_shared.db.models import PublicEvent
from conda_store_shared.transaction import Transaction


def record_build_event(
    transaction: Transaction, locked: LockedBuild, kind: str, now: datetime, data: dict[str, Any] | None = None
) -> None:
    """Write a public event about a build."""
    transaction.record(
        PublicEvent(
            type=kind,
            time=now,
            namespace=locked.namespace,
            environment=locked.environment,
            build_id=locked.build.id,
            data={"build_key": locked.build.build_key, **(data or {})},
        )
    )
