"""Who a webhook speaks to, and so what it may tell: asked each time something is sent."""

from datetime import datetime

from conda_store_api.use_cases.event_readers import event_reader
from conda_store_shared.db.models import PublicEvent, Webhook
from conda_store_shared.web.authentication import Authenticator, Principal
from conda_store_shared.web.tokens import Token, read_bindings


async def _owner_of(webhook: Webhook, authenticator: Authenticator) -> Principal:
    """Return who a webhook speaks to: the roles of the token it was made with, and those of today.

    Raises DatabaseUnavailable.
    """
    token = Token(
        expiration=datetime.max,
        primary_namespace=webhook.owner,
        bindings=read_bindings(webhook.owner_bindings),
    )
    return await authenticator.principal_of_token(token)


async def may_tell(webhook: Webhook, event: PublicEvent, authenticator: Authenticator) -> bool:
    """Whether the owner of a webhook may know of an event; raises DatabaseUnavailable."""
    return event_reader(await _owner_of(webhook, authenticator)).may_know_of(event)
