"""The body of a webhook: an event as CloudEvents in JSON, cut when it is too large for receivers."""

from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
# As Standard Webhooks recommends.
LARGEST_BODY = 20_000
_KEPT = ("namespace", "environment", "build_id", "links")


def webhook_body(event: Mapping[str, Any]) -> bytes:
    """Return an event as the bytes that are sent and signed.

    Of one that is too large its place and links are left, and ``"truncated": true``.
    """
    body = _encoded(event)
    if len(body) < LARGEST_BODY:
        return body
    data = {key: value for key, value in event["data"].items() if key in _KEPT}
    return _encoded({**event, "data": {**data, "truncated": True}})


def _encoded(event: Mapping[str, Any]) -> bytes:
    # As `GET /event/` shows it.
    return to_json(event, inf_nan_mode="null")
