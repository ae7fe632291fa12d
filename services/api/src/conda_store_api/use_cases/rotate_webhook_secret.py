"""Gives a webhook a new secret; the one before it signs along for a while, so that receivers can be changed."""

from datetime import datetime, timedelta

import structlog

from conda_store_api.repositories.webhooks import delete_secrets_but, list_secrets
from conda_store_api.use_cases.create_webhook import add_secret, told_of
from conda_store_api.use_cases.find_webhook import own_webhook
from conda_store_shared.db.models import WebhookSecret
from conda_store_shared.transaction import Transaction
from conda_store_shared.web.authentication import Principal

log = structlog.get_logger()


async def rotate_webhook_secret(
    webhook_id: int, overlap: timedelta, owner: Principal, transaction: Transaction, now: datetime
) -> WebhookSecret:
    """Make a new secret; the newest of the others counts for ``overlap`` more at most, those before it no longer.

    Raises NotFound, NotAuthorized.
    """
    session = transaction.session
    webhook = await own_webhook(session, webhook_id, owner, "give a new secret to")
    newest = (await list_secrets(session, [webhook.id], now)).get(webhook.id, [])[:1]
    kept = newest if overlap else []
    for secret in kept:
        secret.expires_on = min(secret.expires_on or datetime.max, now + overlap)
    await delete_secrets_but(session, webhook.id, [secret.id for secret in kept])
    added = await add_secret(session, webhook.id, now)
    log.info("webhook_secret_rotated", actor=owner.primary_namespace, **told_of(webhook))
    return added
