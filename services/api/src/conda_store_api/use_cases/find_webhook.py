"""Finds the webhook that somebody asks about, and refuses to all but its owner what only an owner may do."""

from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_api.repositories import webhooks
from conda_store_shared.db.models import Webhook
from conda_store_shared.domain.permission import Permission
from conda_store_shared.errors import NotAuthorized, NotFound
from conda_store_shared.web.authentication import Principal

MISSING = "webhook does not exist"


def viewer_of(principal: Principal) -> webhooks.WebhookViewer:
    """Which webhooks somebody who is logged in may know of: their own, and those of places whose settings they set."""
    return webhooks.WebhookViewer(
        owner=principal.primary_namespace,
        administers=[
            binding for binding in principal.bindings if Permission.SETTING_UPDATE in principal.permissions_of(binding)
        ],
    )


async def find_webhook(session: AsyncSession, webhook_id: int, caller: Principal, *, lock: bool = False) -> Webhook:
    """Return a webhook that the caller may know of; raises NotFound for any other."""
    found = await webhooks.find_webhook(session, webhook_id, viewer_of(caller), lock=lock)
    if found is None:
        raise NotFound(MISSING)
    return found


async def own_webhook(session: AsyncSession, webhook_id: int, caller: Principal, action: str) -> Webhook:
    """Return a webhook of the caller, which nobody else changes until the transaction ends.

    Raises NotFound, and NotAuthorized for one that the caller may know of and that is somebody else's.
    """
    webhook = await find_webhook(session, webhook_id, caller, lock=True)
    if webhook.owner != caller.primary_namespace:
        raise refused(webhook, action)
    return webhook


def refused(webhook: Webhook, action: str) -> NotAuthorized:
    """What somebody is told who is not the owner."""
    return NotAuthorized(
        f"only its owner, {webhook.owner!r}, may {action} webhook {webhook.id}; "
        "who administers its place may look at it, pause it and remove it"
    )
