"""Makes a webhook of whoever asks; from then on its address is told of what happens."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_api.domain.webhook import SECRET_BYTES, WebhookState, origin_of, parse_types, secret_of
from conda_store_api.domain.webhook_address import check_webhook_url
from conda_store_api.repositories.environments import find_environment
from conda_store_api.repositories.webhooks import find_newest_event, list_own_webhooks, own_webhooks
from conda_store_api.use_cases.change_namespace import held_namespace
from conda_store_shared.db.models import Webhook, WebhookSecret
from conda_store_shared.domain.permission import Permission, RoleBinding
from conda_store_shared.errors import Conflict, InvalidInput, NotAuthorized, NotFound
from conda_store_shared.transaction import Transaction
from conda_store_shared.web.authentication import BindingSource, Principal

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookOptions:
    """What an administrator decides: networks besides the world that may be sent to, and how many one owner may have.

    Deliveries that are over are forgotten ``days_kept`` later.
    """

    allowed_networks: Sequence[IPv4Network | IPv6Network] = ()
    per_owner: int = 50
    days_kept: float = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWebhook:
    """What is asked for; neither namespace nor environment is everything, no types are all."""

    url: str
    namespace: str | None = None
    environment: str | None = None
    types: Sequence[str] = ()
    description: str = ""


async def create_webhook(
    new: NewWebhook, owner: Principal, options: WebhookOptions, transaction: Transaction, now: datetime
) -> tuple[Webhook, WebhookSecret]:
    """Make a webhook that hears of what comes after this moment.

    Raises NotAuthorized for a place of which nothing may be read, NotFound for one that does not exist, InvalidInput,
    and Conflict when there is one like it or the owner has as many as may be.
    """
    session, types = transaction.session, parse_types(new.types)
    url = check_webhook_url(new.url, options.allowed_networks)
    await _check_place(new, owner, transaction)
    await own_webhooks(session, owner.primary_namespace)
    await _check_others(session, owner.primary_namespace, url, new, options)
    webhook = Webhook(
        url=url,
        description=new.description,
        owner=owner.primary_namespace,
        owner_bindings=bindings_of(owner),
        namespace=new.namespace,
        environment=new.environment,
        types=list(types),
        state=WebhookState.ACTIVE,
        position=await find_newest_event(session),
        created_on=now,
        updated_on=now,
    )
    session.add(webhook)
    await session.flush()
    secret = await add_secret(session, webhook.id, now)
    log.info("webhook_created", **told_of(webhook))
    return webhook, secret


async def add_secret(session: AsyncSession, webhook_id: int, now: datetime) -> WebhookSecret:
    """Make a secret of a webhook."""
    secret = WebhookSecret(webhook_id=webhook_id, secret=secret_of(secrets.token_bytes(SECRET_BYTES)), created_on=now)
    session.add(secret)
    await session.flush()
    return secret


def bindings_of(owner: Principal) -> dict[str, list[str]]:
    """The roles of the token that somebody shows, which no database knows of."""
    return {binding.arn: sorted(binding.roles) for binding in owner.sources.get(BindingSource.TOKEN, ())}


def told_of(webhook: Webhook) -> dict[str, object]:
    """What the log tells of a webhook."""
    return {
        "webhook_id": webhook.id,
        "owner": webhook.owner,
        "namespace": webhook.namespace,
        "environment": webhook.environment,
        "origin": origin_of(webhook.url),
    }


def check_no_other(others: Sequence[Webhook], url: str, place: tuple[str | None, str | None]) -> None:
    """Raise Conflict when one of them has this address and place: what happens there would be told twice."""
    for other in others:
        if other.url == url and (other.namespace, other.environment) == place:
            raise Conflict(
                f"webhook {other.id} has this url and place already; change it by PUT, or give it a new secret by "
                f"POST /api/v1/webhook/{other.id}/secret/"
            )


async def _check_place(new: NewWebhook, owner: Principal, transaction: Transaction) -> None:
    if new.namespace is None:
        if new.environment is not None:
            raise InvalidInput(f"environment={new.environment!r} needs the namespace that it is in")
        return
    if not _may_read(owner, new.namespace, new.environment):
        raise NotAuthorized("request not authorized")
    await held_namespace(transaction, new.namespace)
    if new.environment is not None:
        found = await find_environment(transaction.session, new.namespace, new.environment)
        if found is None or found[0].deleted_on is not None:
            raise NotFound("environment does not exist")


def _may_read(owner: Principal, namespace: str, environment: str | None) -> bool:
    """Whether some event of a place may be read; each is asked for again when it happens."""
    if environment is not None:
        return owner.may([Permission.ENVIRONMENT_READ], namespace, environment)
    wanted = {Permission.ENVIRONMENT_READ, Permission.NAMESPACE_READ}
    reading = (binding for binding in owner.bindings if wanted & owner.permissions_of(binding))
    return any(RoleBinding(binding.namespace, "*", binding.roles).matches(namespace, None) for binding in reading)


async def _check_others(session: AsyncSession, owner: str, url: str, new: NewWebhook, options: WebhookOptions) -> None:
    others = await list_own_webhooks(session, owner)
    check_no_other(others, url, (new.namespace, new.environment))
    if len(others) >= options.per_owner:
        raise Conflict(
            f"{owner!r} has {len(others)} webhooks, as many as CondaStore.webhooks_per_owner allows; remove one first"
        )
