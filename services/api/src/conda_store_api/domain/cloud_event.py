"""Public events as CloudEvents 1.0 in JSON: the same for everybody who is told.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

from datetime import UTC
from typing import Any

from pydantic_core import to_json

from conda_store_shared.db.models import PublicEvent
from conda_store_shared.domain.public_event import PublicEventType

_SOURCE = "/api/v1/"


def cloud_event(event: PublicEvent, prefix: str) -> dict[str, Any]:
    """An event as CloudEvents; its links begin with ``prefix``, and are otherwise without scheme and host."""
    place = {"namespace": event.namespace or None, "environment": event.environment, "build_id": event.build_id}
    return {
        "specversion": "1.0",
        "id": str(event.id),
        "source": f"{prefix}{_SOURCE}",
        "type": PublicEventType(event.type).cloud_event_type,
        "subject": "/".join(part for part in (event.namespace, event.environment) if part) or None,
        "time": event.time.replace(tzinfo=UTC),
        "datacontenttype": "application/json",
        "actor": event.actor,
        "data": {**place, **event.data, "links": _links(event, f"{prefix}{_SOURCE}")},
    }


def cloud_event_json(event: PublicEvent, prefix: str) -> bytes:
    """The same as the bytes that travel."""
    return to_json(cloud_event(event, prefix))


def _links(event: PublicEvent, root: str) -> dict[str, str]:
    links = {}
    if event.namespace:
        links["namespace"] = f"{root}namespace/{event.namespace}/"
    if event.environment:
        links["environment"] = f"{root}environment/{event.namespace}/{event.environment}/"
    if event.build_id is not None:
        links |= {"build": f"{root}build/{event.build_id}/", "logs": f"{root}build/{event.build_id}/logs/"}
    return links
