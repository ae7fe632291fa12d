"""Creates a namespace (contract §1.2)."""

from contextlib import suppress
from datetime import datetime

from conda_store_api.repositories.environments import ensure_namespace
from conda_store_api.repositories.settings import effective_settings
from conda_store_api.use_cases.act import Act
from conda_store_api.use_cases.ledger.public_events import Place, record_at
from conda_store_shared.contracts.public_events import NamespaceCreated
from conda_store_shared.domain.names import namespace_name
from conda_store_shared.domain.settings import Settings
from conda_store_shared.errors import Conflict
from conda_store_shared.transaction import Transaction


async def create_namespace(name: str, act: Act, transaction: Transaction) -> None:
    """Create the namespace, or make one anew that is being deleted; raises InvalidName, Conflict when it exists."""
    namespace, is_new = await ensure_namespace(transaction.session, namespace_name(name))
    if not is_new:
        raise Conflict("namespace already exists")
    record_at(transaction, Place(namespace.name), NamespaceCreated(), act)


async def ensure_default_namespace(defaults: Settings, transaction: Transaction, now: datetime) -> None:
    """Create the namespace of whoever names none, unless it is there."""
    settings = await effective_settings(transaction.session, defaults)
    with suppress(Conflict):
        await create_namespace(settings.default_namespace, Act(actor=None, now=now), transaction)
