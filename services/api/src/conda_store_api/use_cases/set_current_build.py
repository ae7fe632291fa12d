"""Moves an environment's pointer because a user says so (contract §1.3)."""

from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_api.domain.policy import BuildPolicy
from conda_store_api.repositories.builds import lock_build
from conda_store_api.repositories.deletion import find_whereabouts
from conda_store_api.repositories.environments import choose_build, find_environment
from conda_store_api.repositories.settings import effective_settings
from conda_store_api.use_cases.act import Act
from conda_store_api.use_cases.check_storage import check_storage
from conda_store_api.use_cases.ledger.public_events import record_act
from conda_store_api.use_cases.request_link import request_link
from conda_store_shared.contracts import public_events
from conda_store_shared.db.models import Environment
from conda_store_shared.domain.build import LARGEST_ID, BuildStatus
from conda_store_shared.domain.permission import Permission
from conda_store_shared.errors import InvalidInput
from conda_store_shared.transaction import Transaction


async def set_current_build(
    names: tuple[str, str], build_id: int, policy: BuildPolicy, act: Act, transaction: Transaction
) -> None:
    """Make a COMPLETED build of the environment (namespace, name) its current one.

    Raises InvalidInput, and StorageExhausted before that.
    """
    session = transaction.session
    policy = policy.under(await effective_settings(session, policy.settings, *names))
    await check_storage(session, policy, Permission.ENVIRONMENT_UPDATE)
    locked = await lock_build(session, build_id) if 0 < build_id <= LARGEST_ID else None
    if locked is None:
        raise InvalidInput(f"build id={build_id} does not exist")
    environment = await _find(session, names)
    if locked.build.status != BuildStatus.COMPLETED or locked.is_deleted:
        raise InvalidInput("cannot update environment to build id since not completed")
    if (locked.namespace, locked.environment) != names:
        raise InvalidInput("cannot update environment to build id since specification does not match environment name")
    generation = await choose_build(session, environment.id, build_id, act.now)
    if generation is None:
        raise _missing(names)
    changed = public_events.EnvironmentCurrentBuildChanged(build_key=locked.build.build_key)
    record_act(transaction, locked, changed, act)
    path = (await find_whereabouts(session, build_id)).prefix
    if path is not None:
        await request_link(transaction, locked, path, generation, act.now)


async def describe_environment(names: tuple[str, str], description: str, transaction: Transaction) -> None:
    """Change the description of an environment; raises InvalidInput."""
    (await _find(transaction.session, names)).description = description


async def _find(session: AsyncSession, names: tuple[str, str]) -> Environment:
    found = await find_environment(session, *names)
    if found is None or found[0].deleted_on is not None:
        raise _missing(names)
    return found[0]


def _missing(names: tuple[str, str]) -> InvalidInput:
    return InvalidInput(f"environment namespace={names[0]} name={names[1]} does not exist")
