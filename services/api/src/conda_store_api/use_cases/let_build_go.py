"""What a build left behind goes: its prefix, its objects, and whatever work that is still under way leaves."""

from collections.abc import Collection
from datetime import datetime, timedelta

from conda_store_api.repositories.deletion import DroppedArtifact, drop_artifacts, find_whereabouts, forget_log
from conda_store_api.repositories.stages import cancel_stages
from conda_store_api.use_cases.request_discard import BuildRef, request_artifact_discard, request_prefix_discard
from conda_store_shared.contracts.events import BuildCanceled
from conda_store_shared.db.models import Build
from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.storage_keys import keys_of_build
from conda_store_shared.transaction import Transaction

# No objects of ours: a directory of the builder, an image in somebody else's registry.
_ELSEWHERE = (ArtifactType.DIRECTORY, ArtifactType.CONTAINER_REGISTRY)
_LONGEST_WORK = 3600.0


async def let_build_go(transaction: Transaction, build: Build, kept: Collection[ArtifactType], now: datetime) -> None:
    """Ask for everything to go but for artifacts of the ``kept`` types, and stop what is still being made."""
    session, ref = transaction.session, BuildRef(build.id, build.build_key)
    if await cancel_stages(session, build.id):
        transaction.publish(BuildCanceled(build_id=build.id, build_key=build.build_key))
    if ArtifactType.LOGS not in kept:
        await forget_log(session, build.id, now)
    known, dropped = await find_whereabouts(session, build.id), await drop_artifacts(session, build.id, kept)
    path = _directory(dropped) or known.prefix
    if path is not None and ArtifactType.DIRECTORY not in kept:
        request_prefix_discard(transaction, ref, path, now)
    own = [row.key for row in dropped if row.type not in _ELSEWHERE and row.key and not row.is_shared]
    keys = tuple(dict.fromkeys((*keys_of_build(build.build_key, kept), *own)))
    request_artifact_discard(transaction, ref, keys, now)
    # Whoever had begun may put an object after these are gone, and die before it says so.
    later = now + timedelta(seconds=2 * (known.longest_work or _LONGEST_WORK))
    request_artifact_discard(transaction, ref, keys, now, later)


async def discard_prefix(transaction: Transaction, build: Build, now: datetime) -> None:
    """Ask for the prefix of a build to go that ended without one, wherever its order would have it."""
    path = (await find_whereabouts(transaction.session, build.id)).prefix
    if path is not None:
        request_prefix_discard(transaction, BuildRef(build.id, build.build_key), path, now)


def _directory(dropped: Collection[DroppedArtifact]) -> str | None:
    return next((row.key for row in dropped if row.type == ArtifactType.DIRECTORY), None)
