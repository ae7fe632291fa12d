"""One attempt at a delivery: what is sent, and what is noted of what came back."""

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_api.domain.cloud_event import cloud_event
from conda_store_api.domain.delivery_schedule import DeliverySchedule, parse_retry_after
from conda_store_api.domain.webhook import DeliveryKind, DeliveryState, message_id, origin_of
from conda_store_api.domain.webhook_body import CONTENT_TYPE, webhook_body
from conda_store_api.domain.webhook_ping import ping_event
from conda_store_api.domain.webhook_request import WebhookAnswer, WebhookRequest
from conda_store_api.domain.webhook_signature import signed_headers
from conda_store_api.repositories.deliveries import (
    WaitingDelivery,
    disable_webhook,
    finish_delivered,
    lock_delivery,
    note_failing,
    note_working,
)
from conda_store_api.repositories.webhook_deliveries import make_due
from conda_store_api.use_cases.deliveries.tools import DeliveryTools
from conda_store_shared.db.models import WebhookDelivery
from conda_store_shared.telemetry import webhooks as figures

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An attempt that was made; ``seconds`` is how long it took."""

    waiting: WaitingDelivery
    answer: WebhookAnswer
    began: datetime
    seconds: float

    @property
    def kind(self) -> DeliveryKind:
        """Why it was made."""
        return DeliveryKind(self.waiting.delivery.kind)

    def to_row(self) -> Mapping[str, Any]:
        """The attempt as it is kept and shown."""
        return {
            "time": self.began.replace(tzinfo=UTC).isoformat(),
            "seconds": round(self.seconds, 3),
            "status": self.answer.status,
            "error": self.answer.error,
        }


async def attempt_delivery(tools: DeliveryTools, waiting: WaitingDelivery, now: datetime) -> Attempt:
    """Send what waits."""
    request = _request(tools, waiting, now)
    began = time.perf_counter()
    answer = await tools.sender.send(request)
    return Attempt(waiting=waiting, answer=answer, began=now, seconds=time.perf_counter() - began)


async def record_attempt(tools: DeliveryTools, attempt: Attempt, now: datetime) -> float | None:
    """Note what came of an attempt; return the seconds until there is to be another, None when the delivery is over.

    What was skipped meanwhile stays skipped; what was removed is not missed.  Raises DatabaseUnavailable.
    """
    async with tools.transactions.begin() as transaction:
        session = transaction.session
        await _note_webhook(session, attempt, now)
        waiting = attempt.waiting.delivery
        if attempt.answer.is_success and await finish_delivered(session, waiting, attempt.to_row(), now):
            if attempt.kind == DeliveryKind.PING:
                await make_due(session, waiting.webhook_id)
            _tell(attempt, figures.DELIVERED, now, None)
            return None
        delivery = await lock_delivery(session, waiting.id)
        if delivery is None:
            return None
        delivery.attempts = [*delivery.attempts, attempt.to_row()]
        if delivery.state == DeliveryState.PENDING:
            outcome = _move(delivery, attempt, tools.options.schedule, now)
            _tell(attempt, outcome, now, delivery.not_before)
        return None if delivery.not_before is None else (delivery.not_before - now).total_seconds()


def _request(tools: DeliveryTools, waiting: WaitingDelivery, now: datetime) -> WebhookRequest:
    delivery, webhook = waiting.delivery, waiting.webhook
    identifier = message_id(DeliveryKind(delivery.kind), delivery.id, delivery.event_id)
    if waiting.event is None:
        event = ping_event(identifier, webhook.id, delivery.created_on, tools.url_prefix)
    else:
        event = cloud_event(waiting.event, tools.url_prefix)
    body = webhook_body(event)
    timestamp = int(now.replace(tzinfo=UTC).timestamp())
    headers = {
        "content-type": CONTENT_TYPE,
        "user-agent": f"conda-store/{tools.version}",
        **signed_headers(waiting.secrets, identifier, timestamp, body),
    }
    return WebhookRequest(url=webhook.url, headers=headers, body=body)


async def _note_webhook(session: AsyncSession, attempt: Attempt, now: datetime) -> None:
    """Before the delivery, as whoever changes a webhook locks them."""
    webhook = attempt.waiting.webhook
    if attempt.answer.is_success:
        if webhook.failing_since is not None:
            await note_working(session, webhook.id)
        return
    if attempt.kind != DeliveryKind.PING:
        await note_failing(session, webhook.id, now)
    if attempt.answer.is_gone:
        reason = "it answered 410: it wants nothing any more"
        await disable_webhook(session, webhook.id, webhook.url, reason, now)


def _move(delivery: WebhookDelivery, attempt: Attempt, schedule: DeliverySchedule, now: datetime) -> str:
    """Move a delivery on that was not made; return what came of the attempt."""
    if attempt.answer.is_gone:
        return _finish(delivery, now, figures.GONE)
    asked = parse_retry_after(attempt.answer.retry_after, now)
    pause = schedule.next_pause(len(delivery.attempts), random.random(), asked)  # noqa: S311 - it only spreads
    if pause is None or attempt.kind == DeliveryKind.PING:
        return _finish(delivery, now, figures.GIVEN_UP)
    delivery.not_before = now + timedelta(seconds=pause)
    return figures.FAILED


def _finish(delivery: WebhookDelivery, now: datetime, outcome: str) -> str:
    delivery.state, delivery.finished_on, delivery.not_before = DeliveryState.FAILED, now, None
    return outcome


def _tell(attempt: Attempt, outcome: str, now: datetime, again: datetime | None) -> None:
    figures.attempted(outcome)
    delivery, event = attempt.waiting.delivery, attempt.waiting.event
    if outcome != figures.DELIVERED:
        log.info(
            "webhook_not_reached",
            webhook_id=delivery.webhook_id,
            delivery_id=delivery.id,
            origin=origin_of(attempt.waiting.webhook.url),
            outcome=outcome,
            reason=attempt.answer.error,
            again=again and again.isoformat(),
        )
    elif event is not None and not delivery.attempts and attempt.kind == DeliveryKind.EVENT:
        figures.arrived((now - event.time).total_seconds())
