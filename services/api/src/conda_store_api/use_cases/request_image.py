"""Somebody pulls an image there is none of: its build is asked for it, or is made first (contract §1.8)."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from conda_store_api.domain.policy import BuildPolicy
from conda_store_api.ports import Hooks, NoHooks
from conda_store_api.repositories.attempts import forgive_attempts
from conda_store_api.repositories.builds import LockedBuild, allow_until, lock_build
from conda_store_api.repositories.environments import lock_named_environment, own_dynamic_environments
from conda_store_api.repositories.stages import OPEN, find_stage
from conda_store_api.use_cases.act import Act
from conda_store_api.use_cases.ledger.public_events import Place, record_at
from conda_store_api.use_cases.ledger.requests import request_stage
from conda_store_api.use_cases.read_submission import check_submitted
from conda_store_api.use_cases.release_builds import put_order
from conda_store_api.use_cases.resolve_order import Submission
from conda_store_api.use_cases.submit_specification import Request, submit_specification
from conda_store_api.use_cases.validate_submission import validate_submission
from conda_store_shared.contracts.events import ImageRequested
from conda_store_shared.contracts.public_events import SpecificationRejected
from conda_store_shared.db.models import Build
from conda_store_shared.db.queries.builds import find_artifact_key
from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.build import BuildStatus
from conda_store_shared.domain.names import DYNAMIC_NAMESPACE
from conda_store_shared.domain.stage import artifact_stage
from conda_store_shared.errors import CondaStoreError, Unavailable
from conda_store_shared.redaction import redact
from conda_store_shared.storage.object_store import ObjectStore
from conda_store_shared.transaction import Transaction, Transactions

_STAGE = artifact_stage(ArtifactType.DOCKER_MANIFEST)
_MAXIMUM_DETAIL = 4_000

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageTools:
    """What the use case works with."""

    transactions: Transactions
    store: ObjectStore
    policy: BuildPolicy
    hooks: Hooks = field(default_factory=NoHooks)


async def request_image(event: ImageRequested, tools: ImageTools, now: datetime) -> bool:
    """Ask for the image of a build, or for a build of what it is to hold; return whether that made a build.

    A build that has an image, or makes one, is left alone, and so is an environment that is there.  What is not allowed
    is told by a public event.  Raises Unavailable.
    """
    if event.environment:
        return await _submit(event, tools, now)
    await _ask_build(event, tools, now)
    return False


async def _ask_build(event: ImageRequested, tools: ImageTools, now: datetime) -> None:
    async with tools.transactions.database.session() as session:
        build = await session.get(Build, event.build_id)
    if build is None or build.order is None:
        return
    async with tools.transactions.begin() as transaction:
        locked = await lock_build(transaction.session, event.build_id)
        if locked is not None and await _is_wanted(transaction, locked):
            # Every stage reads it, and it may have gone since the build was made; while the build is held, since it
            # would stay for ever if it were put after a deletion.
            await put_order(tools.store, locked.build)
            await forgive_attempts(transaction.session, event.build_id, _STAGE)
            deadline = now + timedelta(seconds=tools.policy.build_deadline)
            await allow_until(transaction.session, locked.build, deadline)
            await request_stage(transaction, locked.build, _STAGE, now)


async def _is_wanted(transaction: Transaction, locked: LockedBuild) -> bool:
    if locked.is_deleted or locked.build.status != BuildStatus.COMPLETED:
        return False
    stage = await find_stage(transaction.session, locked.build.id, _STAGE)
    if stage is not None and stage.state in OPEN:
        return False
    return await find_artifact_key(transaction.session, locked.build.id, ArtifactType.DOCKER_MANIFEST) is None


async def _submit(event: ImageRequested, tools: ImageTools, now: datetime) -> bool:
    try:
        submission = check_submitted({"name": event.environment, "dependencies": list(event.dependencies)})
        submission = await validate_submission(submission, DYNAMIC_NAMESPACE, tools.hooks)
        return await _submit_unless_there(submission, tools, now)
    except Unavailable:
        raise
    except CondaStoreError as error:
        await _reject(event, error, tools, now)
        return False


async def _submit_unless_there(submission: Submission, tools: ImageTools, now: datetime) -> bool:
    async with tools.transactions.begin() as transaction:
        await own_dynamic_environments(transaction.session)
        found = await lock_named_environment(transaction.session, DYNAMIC_NAMESPACE, submission.name)
        if found is not None and found.deleted_on is None and found.current_build_id is not None:
            return False
        request = Request(namespace=DYNAMIC_NAMESPACE, actor=None, now=now)
        build_id = await submit_specification(submission, request, tools.policy, transaction)
    log.info("dynamic_image_submitted", environment=submission.name, build_id=build_id)
    return True


async def _reject(event: ImageRequested, error: CondaStoreError, tools: ImageTools, now: datetime) -> None:
    detail = redact(error.message).replace("\x00", "").encode("utf-8", "replace").decode()[:_MAXIMUM_DETAIL]
    async with tools.transactions.begin() as transaction:
        rejected = SpecificationRejected(code=error.code, detail=detail)
        record_at(transaction, Place(DYNAMIC_NAMESPACE, event.environment), rejected, Act(actor=None, now=now))
    log.warning("dynamic_image_rejected", environment=event.environment, code=error.code, reason=detail)
