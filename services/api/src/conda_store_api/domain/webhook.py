"""What a webhook is told of, how its messages and secrets are called, and which states it and its deliveries have."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from conda_store_shared.domain.public_event import PublicEventType
from conda_store_shared.errors import InvalidInput

# What a ping is called where events have their type.
PING = "webhook.ping"
SECRET_BYTES = 32
_SECRET_PREFIX = "whsec_"  # noqa: S105  begins every one, and is none
_EVERY = ".*"
_GROUPS = sorted({kind.partition(".")[0] + _EVERY for kind in PublicEventType})


class WebhookState(StrEnum):
    """Paused by somebody, or disabled since its receiver wants no more; events wait for it until it is active again."""

    ACTIVE = "active"
    PAUSED = "paused"
    DISABLED = "disabled"


class DeliveryKind(StrEnum):
    """Why something is sent: it is the next event, somebody wants an event again, or tries the webhook out.

    Events go one after the other while the webhook is active.  The others go at once; pings whatever its state.
    """

    EVENT = "event"
    REPLAY = "replay"
    PING = "ping"


class DeliveryState(StrEnum):
    """What became of a delivery: it waits, it was taken, all attempts failed, or it is not to be sent any more."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which events a webhook is about: of an environment, a namespace, or (neither) all; no types are all.

    A type is that of an event, or ``build.*`` for every one of builds.
    """

    namespace: str | None = None
    environment: str | None = None
    types: tuple[str, ...] = ()

    def wants(self, kind: str, namespace: str, environment: str | None) -> bool:
        """Whether an event of this type and place is one of them."""
        return (
            self.namespace in (None, namespace)
            and self.environment in (None, environment)
            and (not self.types or kind in self.types or kind.partition(".")[0] + _EVERY in self.types)
        )

    @property
    def event_types(self) -> tuple[PublicEventType, ...]:
        """The types of events, with those that ``build.*`` stands for."""
        return tuple(kind for kind in PublicEventType if Scope(types=self.types).wants(kind, "", None))


def parse_types(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the types that a webhook is to be told of, each once; raises InvalidInput."""
    known = {*PublicEventType, *_GROUPS}
    for text in texts:
        if text not in known:
            raise InvalidInput(
                f"there are no events of type {text[:100]!r}; known are {', '.join(PublicEventType)}, "
                f"and {', '.join(_GROUPS)}"
            )
    return tuple(dict.fromkeys(texts))


def message_id(kind: DeliveryKind, delivery_id: int, event_id: int | None) -> str:
    """The ``webhook-id`` of what is sent: one and the same however often an event is sent."""
    return f"ping_{delivery_id}" if kind == DeliveryKind.PING else f"evt_{event_id}"


def secret_of(random: bytes) -> str:
    """Return random bytes as Standard Webhooks write a secret."""
    return f"{_SECRET_PREFIX}{base64.b64encode(random).decode()}"


def origin_of(url: str) -> str:
    """Scheme, host and port: what may be told to others and to the log, since the rest may hold a secret word."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
