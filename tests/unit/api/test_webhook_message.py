"""What is sent to a webhook: its body, and the signature as others verify it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from conda_store_api.domain.webhook_body import LARGEST_BODY, webhook_body
from conda_store_api.domain.webhook_signature import signed_headers

SECRET = "whsec_" + "c2VjcmV0LW9mLXRlc3RzLW9mLTMyLWJ5dGVzLWxvbmc="
OTHER = "whsec_" + "b3RoZXItb2YtdGVzdHMtd2hpY2gtaXMtMzItbG9uZ2c="
EVENT: dict[str, Any] = {
    "id": "7",
    "time": datetime(2026, 3, 1, tzinfo=UTC),
    "data": {"namespace": "lab", "environment": "weather", "build_id": 3, "reason": "ü", "links": {"build": "/b"}},
}


def moment(ago: float = 0) -> int:
    return int((datetime.now(UTC) - timedelta(seconds=ago)).timestamp())


def test_library_of_the_standard_verifies_what_is_signed() -> None:
    body = webhook_body(EVENT)
    headers = signed_headers([SECRET], "evt_7", moment(), body)
    assert Webhook(SECRET).verify(body.decode(), dict(headers))["data"]["reason"] == "ü"
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body.decode() + " ", dict(headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER).verify(body.decode(), dict(headers))


def test_message_is_signed_with_both_secrets_while_they_rotate() -> None:
    body = webhook_body(EVENT)
    headers = signed_headers([SECRET, OTHER], "evt_7", moment(), body)
    assert len(headers["webhook-signature"].split(" ")) == 2
    for secret in (SECRET, OTHER):
        Webhook(secret).verify(body.decode(), dict(headers))


def test_receiver_refuses_what_was_signed_long_ago() -> None:
    body = webhook_body(EVENT)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body.decode(), dict(signed_headers([SECRET], "evt_7", moment(ago=600), body)))


def test_event_that_is_too_large_is_cut_to_its_place_and_links() -> None:
    large = {**EVENT, "data": {**EVENT["data"], "reason": "ü" * LARGEST_BODY}}
    body = webhook_body(large)
    assert len(body) < LARGEST_BODY
    assert json.loads(body)["data"] == {
        "namespace": "lab",
        "environment": "weather",
        "build_id": 3,
        "links": {"build": "/b"},
        "truncated": True,
    }
    assert json.loads(webhook_body(EVENT))["time"] == "2026-03-01T00:00:00Z"
