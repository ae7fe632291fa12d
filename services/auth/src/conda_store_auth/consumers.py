"""Which message leads to which use case."""

import structlog

from conda_store_auth.use_cases.note_token_use import note_token_use
from conda_store_shared.bus.port import Subscription
from conda_store_shared.contracts.envelope import Envelope
from conda_store_shared.contracts.events import TokenUsed
from conda_store_shared.contracts.topology import AUTH, queue_name
from conda_store_shared.transaction import Transactions


def subscriptions(transactions: Transactions) -> list[Subscription]:
    """Return the subscriptions of this service."""

    async def on_token_used(envelope: Envelope) -> None:
        assert isinstance(envelope.event, TokenUsed)  # noqa: S101 - the queue carries nothing else
        with structlog.contextvars.bound_contextvars(correlation_id=envelope.correlation_id):
            async with transactions.begin() as transaction:
                await note_token_use(envelope.event, transaction)

    return [Subscription(queue=queue_name(AUTH, TokenUsed), handler=on_token_used)]
