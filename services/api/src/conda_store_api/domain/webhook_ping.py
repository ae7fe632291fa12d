"""The event of a ping, which stands in no log."""

from datetime import UTC, datetime
from typing import Any

_TYPE = "conda-store.events.webhook.ping.v1"


def ping_event(message_id: str, webhook_id: int, time: datetime, prefix: str) -> dict[str, Any]:
    """Return the event of a ping as CloudEvents."""
    return {
        "specversion": "1.0",
        "id": message_id,
        "source": f"{prefix}/api/v1/",
        "type": _TYPE,
        "subject": None,
        "time": time.replace(tzinfo=UTC),
        "datacontenttype": "application/json",
        "actor": None,
        "data": {"webhook_id": webhook_id, "links": {"webhook": f"{prefix}/api/v1/webhook/{webhook_id}/"}},
    }
