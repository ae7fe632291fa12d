"""Stores a specification and creates its build (contract §4.1)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from conda_store_api.domain.policy import BuildPolicy
from conda_store_api.repositories.environments import ensure_environment, ensure_namespace, lock_environment
from conda_store_api.repositories.found_specifications import has_build
from conda_store_api.repositories.settings import effective_settings
from conda_store_api.repositories.specifications import ensure_specification, find_source
from conda_store_api.use_cases.act import Act
from conda_store_api.use_cases.apply_settings import apply_settings
from conda_store_api.use_cases.check_storage import check_storage
from conda_store_api.use_cases.ledger.public_events import Place, record_at
from conda_store_api.use_cases.read_submission import stored_submission
from conda_store_api.use_cases.refuse_credentials import refuse_credentials
from conda_store_api.use_cases.resolve_order import Submission, resolve_order
from conda_store_shared.contracts.public_events import BuildQueued, EnvironmentCreated, NamespaceCreated
from conda_store_shared.db.models import Build, Environment, Namespace
from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.build import BuildStatus, Rank
from conda_store_shared.domain.build_key import BuildIdentity, build_key
from conda_store_shared.domain.names import namespace_name
from conda_store_shared.domain.permission import Permission
from conda_store_shared.domain.storage_keys import artifact_key
from conda_store_shared.errors import Conflict, InvalidInput, InvalidName, NotFound
from conda_store_shared.storage.object_key import checked_key
from conda_store_shared.telemetry.traceparent import current
from conda_store_shared.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Who asks for a build, where, and when; ``scheduled`` builds let interactive ones go first."""

    namespace: str
    actor: str | None
    now: datetime
    scheduled: bool = False

    @property
    def act(self) -> Act:
        """The same as public events say it."""
        return Act(actor=self.actor, now=self.now)


async def submit_specification(
    submission: Submission, request: Request, policy: BuildPolicy, transaction: Transaction
) -> int:
    """Create what is missing and a QUEUED build; return its id.

    A namespace or environment that is being deleted is made anew under its name.  Raises InvalidName,
    InvalidSpecification for credentials in addresses, and ChannelNotAllowed, RequiredPackagesMissing and
    StorageExhausted by the settings of the environment.
    """
    submission, policy = await _accept(submission, request, policy, transaction)
    return await _create(submission, request, policy, transaction)


async def submit_unless_built(
    submission: Submission, request: Request, policy: BuildPolicy, transaction: Transaction
) -> tuple[str, int | None]:
    """As ``submit_specification``, but make no build where the namespace has one of the same content, in any state.

    Returns the digest of what was to be built, and the id of the new build or None.
    """
    submission, policy = await _accept(submission, request, policy, transaction)
    if await has_build(transaction.session, request.namespace, submission.sha256):
        return submission.sha256, None
    return submission.sha256, await _create(submission, request, policy, transaction)


async def _accept(
    submission: Submission, request: Request, policy: BuildPolicy, transaction: Transaction
) -> tuple[Submission, BuildPolicy]:
    """Return what is to be built by the settings of the environment, and those settings."""
    session, name = transaction.session, namespace_name(request.namespace)
    policy = policy.under(await effective_settings(session, policy.settings, name, submission.name))
    await check_storage(session, policy, Permission.ENVIRONMENT_CREATE)
    if policy.completes_specifications:
        submission = apply_settings(submission, policy.settings)
    refuse_credentials(submission)
    return submission, policy


async def _create(submission: Submission, request: Request, policy: BuildPolicy, transaction: Transaction) -> int:
    session = transaction.session
    namespace, is_new = await ensure_namespace(session, namespace_name(request.namespace))
    if is_new:
        record_at(transaction, Place(namespace.name), NamespaceCreated(), request.act)
    specification_id = await ensure_specification(session, submission.as_specification(request.now))
    environment, is_new = await ensure_environment(session, namespace.id, submission.name)
    if submission.description:
        environment.description = submission.description
    if is_new:
        record_at(transaction, Place(namespace.name, environment.name), EnvironmentCreated(), request.act)
    build = await _add_build(transaction, _Parts(namespace, environment, specification_id, submission), request, policy)
    if environment.current_build_id is None:
        environment.current_build_id = build.id
    return build.id


async def rebuild(build_id: int, request: Request, policy: BuildPolicy, transaction: Transaction) -> int:
    """Create another build of the same specification in the same environment; return its id.

    Raises NotFound, ChannelNotAllowed and StorageExhausted by the settings of the environment, and Conflict when the
    environment is being deleted, and the build with it.
    """
    session = transaction.session
    found = await find_source(session, build_id)
    if found is None or await lock_environment(session, found[1].id) is None:
        raise NotFound("build id does not exist")
    namespace, environment, specification = found
    if environment.deleted_on is not None:
        place = f"{namespace.name}/{environment.name}"
        raise Conflict(f"environment {place} is being deleted; submit its specification to make it anew")
    policy = policy.under(await effective_settings(session, policy.settings, namespace.name, environment.name))
    await check_storage(session, policy, Permission.ENVIRONMENT_UPDATE)
    submission = stored_submission(specification)
    refuse_credentials(submission)
    parts = _Parts(namespace, environment, specification.id, submission)
    return (await _add_build(transaction, parts, request, policy)).id


@dataclass(frozen=True, slots=True)
class _Parts:
    namespace: Namespace
    environment: Environment
    specification_id: int
    submission: Submission


async def _add_build(transaction: Transaction, parts: _Parts, request: Request, policy: BuildPolicy) -> Build:
    session = transaction.session
    build = Build(
        specification_id=parts.specification_id,
        environment_id=parts.environment.id,
        status=BuildStatus.QUEUED,
        rank=Rank.QUEUED,
        size=0,
        scheduled_on=request.now,
        scheduled=request.scheduled,
        build_key_version=policy.build_key_version,
        build_key="",
        log_bytes=0,
        traceparent=current(),
        deadline=request.now + timedelta(seconds=policy.build_deadline),
    )
    session.add(build)
    await session.flush()
    identity = BuildIdentity(
        build_id=build.id,
        namespace=parts.namespace.name,
        specification_name=parts.submission.name,
        specification_sha256=parts.submission.sha256,
        scheduled_on=request.now,
    )
    build.build_key = _storable(build_key(identity, policy.build_key_version))
    build.hash = build.build_key if policy.build_key_version == 3 else None
    order = resolve_order(parts.submission, policy, identity, build.build_key)
    build.order, build.order_digest = order.to_value(), order.digest
    await session.flush()
    place = Place(parts.namespace.name, parts.environment.name, build.id)
    record_at(transaction, place, BuildQueued(build_key=build.build_key), request.act)
    return build


def _storable(key: str) -> str:
    """Refuse a build now whose objects no store could keep under such a key."""
    try:
        # The longest of all keys of a build.
        checked_key(artifact_key(ArtifactType.CONDA_PACK, key))
    except InvalidInput as error:
        raise InvalidName("the environment name is too long for the store") from error
    return key
