"""Webhooks of a server: addresses that are told of events."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from conda_store_client import interruption
from conda_store_client.answers import field
from conda_store_client.connection import Connection
from conda_store_client.errors import ClientError, RequestRefused

PATH = "/api/v1/webhook/"
_PENDING, _DELIVERED = "pending", "delivered"
# A receiver is given 15 seconds, and the ping may have to wait for its turn.
_PATIENCE, _PAUSE = 30.0, 0.25


def webhook_path(webhook_id: int) -> str:
    """The address of a webhook."""
    return f"{PATH}{webhook_id}/"


def delivery_path(webhook_id: int, delivery_id: int) -> str:
    """The address of a delivery."""
    return f"{webhook_path(webhook_id)}delivery/{delivery_id}/"


@contextmanager
def about(subject: str) -> Iterator[None]:
    """Put what a command was about in front of a refusal."""
    try:
        yield
    except RequestRefused as refusal:
        raise refusal.told_as(f"Error {subject}") from None


def ping(connection: Connection, webhook_id: int) -> str:
    """Have a ping sent; return what came of it.  Raises ClientError when it was not taken."""
    with about(f"testing webhook {webhook_id}"):
        delivery_id = field(connection.post(f"{webhook_path(webhook_id)}ping/", {}), "delivery_id", int)
        give_up_at = time.monotonic() + _PATIENCE
        while time.monotonic() < give_up_at:
            delivery = connection.get_data(delivery_path(webhook_id, delivery_id))
            attempts = field(delivery, "attempts", list)
            if attempts:
                return _told(webhook_id, field(delivery, "state", str), attempts[-1])
            interruption.pause(_PAUSE)
    raise ClientError(
        f"the ping of webhook {webhook_id} is still waiting to be sent",
        f"`conda-store webhook deliveries {webhook_id} --kind ping` tells what comes of it.",
    )


def replay(connection: Connection, webhook_id: int, span: Mapping[str, Any]) -> int:
    """Have all events of a span sent again; return how many.  Raises ClientError, which says how to go on."""
    sent, rest = 0, dict(span)
    while True:
        try:
            answer = connection.post(f"{webhook_path(webhook_id)}replay/", rest)
        except RequestRefused as refusal:
            if not sent:
                raise refusal.told_as(f"Error replaying events to webhook {webhook_id}") from None
            raise refusal.told_as(
                f"only {sent} events are sent again to webhook {webhook_id}; go on later with --after {rest['after']}"
            ) from None
        sent += field(answer, "deliveries", int)
        if not answer.get("after"):
            return sent
        rest = {name: value for name, value in rest.items() if name != "since"} | {"after": int(answer["after"])}


def outcome_of(delivery: Mapping[str, Any]) -> str:
    """What came of a delivery so far: the status or error of its last attempt."""
    attempts = field(delivery, "attempts", list)
    return _reason(attempts[-1]) if attempts else ""


def _told(webhook_id: int, state: str, attempt: Any) -> str:
    seconds = attempt.get("seconds") if isinstance(attempt, Mapping) else None
    if state == _DELIVERED:
        return f"the ping was taken: {_reason(attempt)} after {seconds} s"
    raise ClientError(
        f"the ping of webhook {webhook_id} was not taken: {_reason(attempt)}",
        "A receiver takes what it answers with 2xx, within 15 seconds." if state == _PENDING else "",
    )


def _reason(attempt: Any) -> str:
    told = attempt if isinstance(attempt, Mapping) else {}
    parts = (f"status {told['status']}" if told.get("status") else "", told.get("error") or "")
    return ", ".join(part for part in parts if part) or "no answer"
