"""Public events for tests, each as promised of its type unless a test says otherwise."""

from datetime import datetime
from typing import Any

from conda_store_shared.contracts.event_schema import payload_fields
from conda_store_shared.contracts.public_events import PAYLOADS
from conda_store_shared.db.models import PublicEvent
from conda_store_shared.domain.public_event import PublicEventType

NOON = datetime(2026, 11, 22, 12, 0, 0)


def an_event(
    kind: PublicEventType = PublicEventType.BUILD_COMPLETED,
    namespace: str = "team",
    environment: str | None = None,
    **data: Any,
) -> PublicEvent:
    """An event that is not in the log yet; of build 7 of `weather` where its type needs them."""
    payload = PAYLOADS[kind]
    needs = payload.place
    return PublicEvent(
        type=kind,
        time=NOON,
        namespace=namespace,
        environment=environment or ("weather" if "environment" in needs else None),
        build_id=7 if "build_id" in needs else None,
        data={
            **{name: _example(hint) for name, hint, _meaning, is_required in payload_fields(payload) if is_required},
            **data,
        },
    )


def _example(hint: Any) -> Any:
    return {str: "word", int: 1}.get(hint, None if hint == str | None else [])
