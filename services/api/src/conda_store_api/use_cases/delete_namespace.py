"""Deletes a namespace with all its environments (contract §4.8)."""

import structlog

from conda_store_api.repositories.deletion import lock_environments, lock_namespace, remove_role_mappings
from conda_store_api.repositories.webhooks import delete_webhooks_of
from conda_store_api.use_cases.act import Act
from conda_store_api.use_cases.delete_environment import let_environments_go
from conda_store_api.use_cases.ledger.public_events import Place, record_at
from conda_store_shared.contracts.public_events import NamespaceDeleted
from conda_store_shared.errors import NotFound
from conda_store_shared.transaction import Transaction

log = structlog.get_logger()


async def delete_namespace(name: str, act: Act, transaction: Transaction) -> None:
    """Delete the namespace with its webhooks, and the roles granted by it and to it; a repeat changes nothing.

    Raises NotFound.
    """
    session = transaction.session
    namespace = await lock_namespace(session, name)
    if namespace is None:
        raise NotFound("namespace does not exist")
    if namespace.deleted_on is not None:
        return
    namespace.deleted_on = act.now
    await remove_role_mappings(session, namespace.id)
    if webhooks := await delete_webhooks_of(session, name):
        log.info("webhooks_removed", actor=act.actor, namespace=name, webhook_ids=list(webhooks))
    await let_environments_go(transaction, name, await lock_environments(session, namespace.id), act)
    record_at(transaction, Place(name), NamespaceDeleted(), act)
