"""A token was used: remember when."""

import structlog

from conda_store_auth.repositories.tokens import add_foreign_token, touch_token
from conda_store_shared.contracts.events import TokenUsed
from conda_store_shared.domain.names import namespace_name
from conda_store_shared.errors import InvalidName
from conda_store_shared.transaction import Transaction

_log = structlog.get_logger()


async def note_token_use(event: TokenUsed, transaction: Transaction) -> None:
    """Record the newest use of a token; one that was not issued here is recorded from its first use on."""
    if await touch_token(transaction.session, event):
        return
    try:
        namespace_name(event.primary_namespace)
    except InvalidName as error:
        _log.info("token_not_recorded", reason=error.message)
        return
    await add_foreign_token(transaction.session, event)
