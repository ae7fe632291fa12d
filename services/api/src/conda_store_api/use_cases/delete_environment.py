"""Deletes an environment with all its builds (contract §4.8)."""

from collections.abc import Sequence

from conda_store_api.repositories.deletion import find_newest_builds, list_links
from conda_store_api.repositories.environments import lock_named_environment
from conda_store_api.use_cases.act import Act
from conda_store_api.use_cases.ledger.public_events import Place, record_at
from conda_store_api.use_cases.request_discard import request_link_discard
from conda_store_shared.contracts.public_events import EnvironmentDeleted
from conda_store_shared.db.models import Environment
from conda_store_shared.errors import InvalidInput
from conda_store_shared.transaction import Transaction


async def delete_environment(names: tuple[str, str], act: Act, transaction: Transaction) -> None:
    """Delete the environment (namespace, name); a repeat changes nothing.  Raises InvalidInput when there is none.

    From here on it is gone for users; ``erase_deleted`` takes its builds away, one by one.
    """
    environment = await lock_named_environment(transaction.session, *names)
    if environment is None:
        raise InvalidInput(f"environment namespace={names[0]} name={names[1]} does not exist")
    if environment.deleted_on is None:
        await let_environments_go(transaction, names[0], [environment], act)


async def let_environments_go(
    transaction: Transaction, namespace: str, environments: Sequence[Environment], act: Act
) -> None:
    """Mark environments, which the caller holds, deleted with every build they have; their links go first."""
    ids = [environment.id for environment in environments]
    newest = await find_newest_builds(transaction.session, ids)
    links = await list_links(transaction.session, ids)
    for environment in environments:
        environment.deleted_on = act.now
        environment.erased_through = newest.get(environment.id, environment.erased_through)
        environment.generation += 1
        environment.linked_generation = environment.told_generation = environment.generation
        for link in links.get(environment.id, ()):
            request_link_discard(transaction, environment, link, act.now)
        record_at(transaction, Place(namespace, environment.name), EnvironmentDeleted(), act)
