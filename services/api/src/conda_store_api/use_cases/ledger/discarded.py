"""What was to go from disk or bucket is gone."""

from conda_store_api.repositories.deletion import free_size
from conda_store_api.repositories.discards import confirm_discard
from conda_store_shared.contracts.events import ArtifactDiscarded, LinkDiscarded, PrefixDiscarded
from conda_store_shared.transaction import Transaction


async def prefix_discarded(event: PrefixDiscarded, transaction: Transaction) -> None:
    """Ask no more; a deleted build then takes no room."""
    await confirm_discard(transaction.session, event.discard_id)
    await free_size(transaction.session, event.build_id)


async def artifact_discarded(event: ArtifactDiscarded, transaction: Transaction) -> None:
    """Ask no more."""
    await confirm_discard(transaction.session, event.discard_id)


async def link_discarded(event: LinkDiscarded, transaction: Transaction) -> None:
    """Ask no more."""
    await confirm_discard(transaction.session, event.discard_id)
