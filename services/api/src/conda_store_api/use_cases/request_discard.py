"""Notes what is to go from disk and bucket, and asks its owner to take it away.

The row is the promise, the message only its first request: lost ones are requested again until they are confirmed.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from conda_store_api.repositories.discards import DiscardKind, NewDiscard, add_discard
from conda_store_shared.contracts.events import (
    ArtifactDiscardRequested,
    Event,
    LinkDiscardRequested,
    PrefixDiscardRequested,
)
from conda_store_shared.db.models import Discard, Environment
from conda_store_shared.transaction import Transaction


class BuildRef(NamedTuple):
    """Names a build, whose row may be gone."""

    build_id: int
    build_key: str


def request_prefix_discard(transaction: Transaction, build: BuildRef, path: str, now: datetime) -> None:
    """The prefix of a build is to go."""
    new = NewDiscard(kind=DiscardKind.PREFIX, targets=(path,), build_id=build.build_id, build_key=build.build_key)
    _request(transaction, new, now)


def request_artifact_discard(
    transaction: Transaction, build: BuildRef, keys: Sequence[str], now: datetime, later: datetime | None = None
) -> None:
    """Objects of a build are to go, now or ``later``."""
    new = NewDiscard(
        kind=DiscardKind.ARTIFACTS,
        targets=keys,
        build_id=build.build_id,
        build_key=build.build_key,
        not_before=later,
    )
    _request(transaction, new, now)


def request_link_discard(transaction: Transaction, environment: Environment, link: str, now: datetime) -> None:
    """The link of an environment is to go, at the generation it has now."""
    new = NewDiscard(
        kind=DiscardKind.LINK, targets=(link,), environment_id=environment.id, generation=environment.generation
    )
    _request(transaction, new, now)


def discard_message(row: Discard) -> Event:
    """Return the message that asks for what a row notes."""
    if row.kind == DiscardKind.LINK:
        return LinkDiscardRequested(
            environment_id=row.environment_id or 0,
            link=row.targets[0],
            generation=row.generation,
            discard_id=row.id,
        )
    build_id, key = row.build_id or 0, row.build_key
    if row.kind == DiscardKind.PREFIX:
        return PrefixDiscardRequested(build_id=build_id, build_key=key, path=row.targets[0], discard_id=row.id)
    return ArtifactDiscardRequested(build_id=build_id, build_key=key, keys=tuple(row.targets), discard_id=row.id)


def _request(transaction: Transaction, new: NewDiscard, now: datetime) -> None:
    row = add_discard(transaction.session, new, now)
    if new.not_before is None:
        transaction.publish(discard_message(row))
