"""Rows of webhooks and of the secrets that sign what is sent to them."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, false, func, or_, select, text, true
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_shared.db.models import PublicEvent, Webhook, WebhookSecret
from conda_store_shared.db.queries.visibility import visible_environments, visible_namespaces
from conda_store_shared.domain.permission import RoleBinding

# Any number will do, as long as nothing else locks it.
_LOCK_OWNER = text(f"SELECT pg_advisory_xact_lock({0x776562_68}, hashtext(:owner))")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookViewer:
    """Whoever looks at webhooks: sees those it owns, and those of places it ``administers``."""

    owner: str
    administers: Sequence[RoleBinding]


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookFilter:
    """Filters of webhooks, and the page: those after an id; what is left out does not filter."""

    namespace: str | None = None
    environment: str | None = None
    state: str | None = None
    after: int = 0
    limit: int


async def own_webhooks(session: AsyncSession, owner: str) -> None:
    """Let nobody else add or redirect webhooks of an owner until this transaction ends.

    On SQLite transactions that write go one by one, and nothing is to be done.
    """
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(_LOCK_OWNER, {"owner": owner})


async def find_webhook(
    session: AsyncSession, webhook_id: int, viewer: WebhookViewer, *, lock: bool = False
) -> Webhook | None:
    """Return a webhook that the viewer may know of; a locked one nobody else changes until the transaction ends."""
    statement = select(Webhook).where(Webhook.id == webhook_id, _visible(viewer))
    if lock:
        statement = statement.with_for_update(key_share=True).execution_options(populate_existing=True)
    found: Webhook | None = await session.scalar(statement)
    return found


async def list_webhooks(session: AsyncSession, viewer: WebhookViewer, filters: WebhookFilter) -> Sequence[Webhook]:
    """Return a page of the webhooks that the viewer may know of."""
    equal = {
        Webhook.namespace: filters.namespace,
        Webhook.environment: filters.environment,
        Webhook.state: filters.state,
    }
    conditions = [column == value for column, value in equal.items() if value is not None]
    rows = await session.scalars(
        select(Webhook)
        .where(_visible(viewer), Webhook.id > filters.after, *conditions)
        .order_by(Webhook.id)
        .limit(filters.limit)
    )
    return rows.all()


async def list_own_webhooks(session: AsyncSession, owner: str) -> Sequence[Webhook]:
    """Return every webhook of an owner."""
    return (await session.scalars(select(Webhook).where(Webhook.owner == owner).order_by(Webhook.id))).all()


async def find_newest_event(session: AsyncSession) -> int:
    """Return the id of the last event of the log, 0 when there is none."""
    return await session.scalar(select(func.max(PublicEvent.id))) or 0


async def delete_webhook(session: AsyncSession, webhook_id: int) -> None:
    """Remove a webhook with its secrets and deliveries."""
    await session.execute(delete(Webhook).where(Webhook.id == webhook_id))


async def delete_webhooks_of(session: AsyncSession, namespace: str) -> Sequence[int]:
    """Remove the webhooks that are about a namespace or an environment in it; return their ids."""
    rows = await session.scalars(
        delete(Webhook)
        .where(Webhook.namespace == namespace)
        .returning(Webhook.id)
        .execution_options(synchronize_session=False)
    )
    return rows.all()


async def list_secrets(
    session: AsyncSession, webhook_ids: Collection[int], now: datetime
) -> Mapping[int, Sequence[WebhookSecret]]:
    """Return the secrets of webhooks that count now, by webhook, the newest first."""
    counts = or_(WebhookSecret.expires_on.is_(None), WebhookSecret.expires_on > now)
    rows = await session.scalars(
        select(WebhookSecret).where(WebhookSecret.webhook_id.in_(webhook_ids), counts).order_by(WebhookSecret.id.desc())
    )
    found: dict[int, list[WebhookSecret]] = defaultdict(list)
    for secret in rows:
        found[secret.webhook_id].append(secret)
    return found


async def delete_secrets_but(session: AsyncSession, webhook_id: int, kept: Collection[int]) -> None:
    """Remove the secrets of a webhook but for some."""
    await session.execute(
        delete(WebhookSecret).where(WebhookSecret.webhook_id == webhook_id, WebhookSecret.id.not_in(kept))
    )


async def delete_expired_secrets(session: AsyncSession, now: datetime) -> None:
    """Remove every secret that signs nothing any more."""
    await session.execute(delete(WebhookSecret).where(WebhookSecret.expires_on <= now))


def _visible(viewer: WebhookViewer) -> ColumnElement[bool]:
    whole = [binding for binding in viewer.administers if not binding.name.strip("*")]
    everywhere = any(not binding.namespace.strip("*") for binding in whole)
    namespace, environment = Webhook.namespace, Webhook.environment
    return or_(
        Webhook.owner == viewer.owner,
        and_(namespace.is_(None), true() if everywhere else false()),
        # Columns that may be null elsewhere.
        and_(environment.is_(None), visible_namespaces(whole, namespace)),  # type: ignore[arg-type]
        and_(
            environment.is_not(None),
            visible_environments(viewer.administers, namespace, environment),  # type: ignore[arg-type]
        ),
    )
