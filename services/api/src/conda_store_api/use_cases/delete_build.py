"""Deletes one build; its row stays (contract §4.8)."""

from conda_store_api.repositories.builds import LockedBuild, lock_build
from conda_store_api.repositories.deletion import find_fallback, find_whereabouts, mark_build_deleted
from conda_store_api.repositories.environments import lock_environment
from conda_store_api.repositories.settings import effective_settings
from conda_store_api.use_cases.act import Act
from conda_store_api.use_cases.ledger.public_events import record_act
from conda_store_api.use_cases.let_build_go import let_build_go
from conda_store_api.use_cases.request_discard import request_link_discard
from conda_store_api.use_cases.request_link import request_link
from conda_store_shared.contracts import public_events
from conda_store_shared.db.models import Environment
from conda_store_shared.domain.build import BuildStatus
from conda_store_shared.domain.settings import Settings
from conda_store_shared.errors import InvalidInput, NotFound
from conda_store_shared.transaction import Transaction


async def delete_build(build_id: int, defaults: Settings, act: Act, transaction: Transaction) -> None:
    """Delete a build that is over, but for the artifacts that the settings keep; a repeat changes nothing.

    When it is the current one, the newest other build becomes it.  ``defaults`` are the settings of the deployment.
    Raises NotFound, InvalidInput.
    """
    session = transaction.session
    locked = await lock_build(session, build_id, with_order=False)
    if locked is None:
        raise NotFound("build id does not exist")
    if locked.is_deleted:
        return
    if locked.is_active:
        raise InvalidInput("cannot delete build since not finished building")
    # Two builds deleted at once must not each make the other one current.
    environment = await lock_environment(session, locked.build.environment_id)
    assert environment is not None  # noqa: S101 - it goes after its builds
    await mark_build_deleted(session, build_id, act.now, erased=False)
    record_act(transaction, locked, public_events.BuildDeleted(build_key=locked.build.build_key), act)
    if environment.current_build_id == build_id and environment.deleted_on is None:
        await _fall_back(transaction, locked, environment, act)
    settings = await effective_settings(session, defaults)
    await let_build_go(transaction, locked.build, settings.build_artifacts_kept_on_deletion, act.now)


async def _fall_back(transaction: Transaction, deleted: LockedBuild, environment: Environment, act: Act) -> None:
    """Point the environment at another build; without one it keeps the pointer, and has no link."""
    fallback = await find_fallback(transaction.session, environment, deleted.build.id)
    environment.generation += 1
    environment.chosen_on = None
    if fallback is not None:
        chosen = LockedBuild(build=fallback, namespace=deleted.namespace, environment=deleted.environment)
        environment.current_build_id = fallback.id
        changed = public_events.EnvironmentCurrentBuildChanged(build_key=fallback.build_key)
        record_act(transaction, chosen, changed, act)
        path = (await find_whereabouts(transaction.session, fallback.id)).prefix
        if fallback.status == BuildStatus.COMPLETED and path is not None:
            environment.link_requested_on = act.now
            return await request_link(transaction, chosen, path, environment.generation, act.now)
    environment.linked_generation = environment.told_generation = environment.generation
    link = (await find_whereabouts(transaction.session, deleted.build.id)).link
    if link is not None:
        request_link_discard(transaction, environment, link, act.now)
