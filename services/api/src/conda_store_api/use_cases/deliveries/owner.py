"""What the owner of a webhook may know of: asked each time something is sent."""

from datetime import datetime

from conda_store_shared.db.models import PublicEvent, Webhook
from conda_store_shared.domain.public_event import NEEDED, PublicEventType
from conda_store_shared.web.authentication import Authenticator, Principal
from conda_store_shared.web.tokens import Token, read_bindings

_KNOWN = frozenset(PublicEventType)


async def owner_of(webhook: Webhook, authenticator: Authenticator) -> Principal:
    """Return who a webhook speaks to: the roles of the token it was made with, and those of today.

    Raises DatabaseUnavailable.
    """
    token = Token(
        expiration=datetime.max,
        primary_namespace=webhook.owner,
        bindings=read_bindings(webhook.owner_bindings),
    )
    return await authenticator.principal_of_token(token)


def may_know(principal: Principal, event: PublicEvent) -> bool:
    """Whether an event is one of those that ``GET /event/`` shows somebody; of a later release's types none is."""
    if event.type not in _KNOWN:
        return False
    needed = NEEDED[PublicEventType(event.type)]
    if needed is None:
        return principal.authenticated and event.environment is None
    return principal.may([needed], event.namespace, event.environment)
