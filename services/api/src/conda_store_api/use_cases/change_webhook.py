"""Changes a webhook, pauses it or lets it go on, and removes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network

import structlog

from conda_store_api.domain.webhook import WebhookState, parse_types
from conda_store_api.domain.webhook_address import check_webhook_url
from conda_store_api.repositories.webhook_deliveries import make_due
from conda_store_api.repositories.webhooks import delete_webhook, list_own_webhooks, own_webhooks
from conda_store_api.use_cases.create_webhook import bindings_of, check_no_other, told_of
from conda_store_api.use_cases.find_webhook import find_webhook, refused
from conda_store_shared.db.models import Webhook
from conda_store_shared.transaction import Transaction
from conda_store_shared.web.authentication import Principal

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookChange:
    """What is put in place of what is there; None leaves it.  ``allowed_networks`` are those of WebhookOptions."""

    url: str | None = None
    types: Sequence[str] | None = None
    description: str | None = None
    state: WebhookState | None = None
    allowed_networks: Sequence[IPv4Network | IPv6Network] = ()

    @property
    def is_of_owner(self) -> bool:
        """Whether it decides who is told of what, or in which words: by the rights of the owner."""
        return not (self.url is self.types is self.description is None)


async def change_webhook(
    webhook_id: int, change: WebhookChange, caller: Principal, transaction: Transaction, now: datetime
) -> Webhook:
    """Change a webhook; what waits for another attempt is sent at once.

    Who changes url or types gives it the rights of the token shown for it.  Raises NotFound, NotAuthorized,
    InvalidInput, and Conflict when the owner has another one of this url and place.
    """
    session = transaction.session
    await own_webhooks(session, caller.primary_namespace)
    webhook = await find_webhook(session, webhook_id, caller, lock=True)
    if change.is_of_owner:
        if webhook.owner != caller.primary_namespace:
            raise refused(webhook, "change the url, the types or the description of")
        await _redirect(webhook, change, caller, transaction)
    _move_to(webhook, change.state)
    webhook.updated_on = now
    await session.flush()
    await make_due(session, webhook.id)
    log.info("webhook_changed", actor=caller.primary_namespace, state=webhook.state, **told_of(webhook))
    return webhook


async def remove_webhook(webhook_id: int, caller: Principal, transaction: Transaction) -> None:
    """Remove a webhook with its secrets and all that waits for it; raises NotFound."""
    webhook = await find_webhook(transaction.session, webhook_id, caller, lock=True)
    await delete_webhook(transaction.session, webhook.id)
    log.info("webhook_removed", actor=caller.primary_namespace, **told_of(webhook))


async def _redirect(webhook: Webhook, change: WebhookChange, owner: Principal, transaction: Transaction) -> None:
    if change.url is not None:
        url = check_webhook_url(change.url, change.allowed_networks)
        others = await list_own_webhooks(transaction.session, webhook.owner)
        place = webhook.namespace, webhook.environment
        check_no_other([other for other in others if other.id != webhook.id], url, place)
        webhook.url, webhook.failing_since = url, None
    if change.types is not None:
        webhook.types = list(parse_types(change.types))
    if change.description is not None:
        webhook.description = change.description
    if change.url is not None or change.types is not None:
        webhook.owner_bindings = bindings_of(owner)


def _move_to(webhook: Webhook, state: WebhookState | None) -> None:
    if state is not None and webhook.state != state:
        webhook.state = state
        webhook.disabled_reason = webhook.failing_since = None
