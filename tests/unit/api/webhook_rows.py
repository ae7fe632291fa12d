"""Webhooks over HTTP, and what only the sender writes to their rows."""

from collections.abc import Sequence
from typing import Any

import httpx
from sqlalchemy import select, update

from conda_store_api.domain.webhook import DeliveryKind, DeliveryState
from conda_store_shared.db.models import PublicEvent, Webhook, WebhookDelivery, WebhookSecret
from conda_store_shared.domain.public_event import PublicEventType
from conda_store_shared.testing.public_events import an_event
from tests.unit.api.api_client import Api
from tests.unit.api.ledger_builders import NOON, Ledger

URL = "https://ci.example.org/hook?token=geheim"
ATTEMPT = {"time": "2026-11-22T12:00:00Z", "seconds": 0.2, "status": 200, "error": None}


async def post(api: Api, caller: str | None = "owner", **body: Any) -> httpx.Response:
    """Ask for a webhook, of team unless told otherwise."""
    return await api.ask("POST", "/webhook/", caller, json={"url": URL, "namespace": "team", **body})


async def made(api: Api, caller: str = "owner", **body: Any) -> dict[str, Any]:
    """A webhook just made, of a namespace that is there."""
    await api.ask("POST", "/namespace/team/")
    answer = await post(api, caller, **body)
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def shown(api: Api, webhook_id: int, caller: str = "owner") -> dict[str, Any]:
    """A webhook as somebody sees it."""
    answer = await api.get(f"/webhook/{webhook_id}/", caller)
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def listed(api: Api, caller: str = "owner", **query: Any) -> list[int]:
    """The ids of the webhooks that somebody sees."""
    return [each["id"] for each in (await api.get("/webhook/", caller, params=query)).json()["data"]]


async def deliveries(api: Api, webhook_id: int, caller: str = "owner", **query: Any) -> list[dict[str, Any]]:
    """The deliveries that somebody sees, the newest first."""
    answer = await api.get(f"/webhook/{webhook_id}/delivery/", caller, params=query)
    assert answer.status_code == 200, answer.text
    data: list[dict[str, Any]] = answer.json()["data"]
    return data


def told(answer: httpx.Response) -> tuple[int, str]:
    """Status and message of an answer."""
    return answer.status_code, answer.json().get("message") or ""


async def add_events(ledger: Ledger, *kinds: PublicEventType, namespace: str = "team") -> Sequence[int]:
    """Leave events of environment weather in the log; return their ids."""
    async with ledger.transactions.begin() as transaction:
        for kind in kinds:
            transaction.record(an_event(kind, namespace, "weather"))
    async with ledger.database.session() as session:
        ids = (await session.scalars(select(PublicEvent.id).order_by(PublicEvent.id.desc()).limit(len(kinds)))).all()
    return ids[::-1]


async def add_delivery(ledger: Ledger, webhook_id: int, event_id: int, **values: Any) -> int:
    """Leave what the sender leaves, of an event that was delivered."""
    row = WebhookDelivery(
        **{
            "webhook_id": webhook_id,
            "event_id": event_id,
            "type": PublicEventType.BUILD_COMPLETED,
            "kind": DeliveryKind.EVENT,
            "state": DeliveryState.DELIVERED,
            "attempts": [ATTEMPT],
            "created_on": NOON,
            "finished_on": NOON,
            **values,
        }
    )
    async with ledger.transactions.begin() as transaction:
        transaction.session.add(row)
        await transaction.session.flush()
        return row.id


async def change_row(ledger: Ledger, webhook_id: int, **values: Any) -> None:
    """Put values into the row of a webhook, as the sender does."""
    async with ledger.transactions.begin() as transaction:
        await transaction.session.execute(update(Webhook).where(Webhook.id == webhook_id).values(**values))


async def bindings(ledger: Ledger, webhook_id: int) -> Any:
    """The roles that a webhook has of the token it was made with."""
    async with ledger.database.session() as session:
        return await session.scalar(select(Webhook.owner_bindings).where(Webhook.id == webhook_id))


async def secrets(ledger: Ledger, webhook_id: int) -> list[tuple[str, bool]]:
    """The secrets of a webhook, the oldest first, and whether each is to end."""
    async with ledger.database.session() as session:
        rows = await session.scalars(
            select(WebhookSecret).where(WebhookSecret.webhook_id == webhook_id).order_by(WebhookSecret.id)
        )
        return [(row.secret, row.expires_on is not None) for row in rows]
