"""Webhooks and their deliveries: what is sent to ask for them, and what is answered."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field

from conda_store_api.domain.webhook import DeliveryKind, DeliveryState, WebhookState, message_id, origin_of
from conda_store_api.repositories.webhook_deliveries import DeliveryFilter
from conda_store_api.repositories.webhooks import WebhookFilter
from conda_store_api.use_cases.change_webhook import WebhookChange
from conda_store_api.use_cases.create_webhook import NewWebhook, WebhookOptions
from conda_store_api.use_cases.replay_events import Span
from conda_store_shared.db.models import Webhook, WebhookDelivery, WebhookSecret
from conda_store_shared.db.moments import naive

_LARGEST = 2**63 - 1
_Id = Annotated[int, Field(ge=0, le=_LARGEST)]
_Limit = Annotated[int | None, Field(ge=1, le=_LARGEST)]
_Types = Annotated[list[str], Field(max_length=100)]
_Description = Annotated[str, Field(max_length=255)]


def _storable(moment: datetime) -> datetime:
    try:
        return naive(moment)
    except OverflowError:
        raise ValueError("the time is out of range") from None


_Moment = Annotated[AwareDatetime, AfterValidator(_storable)]


class NewWebhookBody(BaseModel):
    """A webhook: of an environment, of a namespace, or of all one may read; told of some types of events, or all.

    A type is that of an event, such as ``build.completed``, or ``build.*`` for all of builds.
    """

    url: str
    namespace: str | None = None
    environment: str | None = None
    types: _Types = Field(default=[])
    description: _Description = ""

    def to_new(self) -> NewWebhook:
        """What is asked for."""
        return NewWebhook(**self.model_dump())


class WebhookChangeBody(BaseModel):
    """What is to be another; what is left out, or null, stays."""

    url: str | None = None
    types: _Types | None = None
    description: _Description | None = None
    state: Literal[WebhookState.ACTIVE, WebhookState.PAUSED] | None = None

    def to_change(self, options: WebhookOptions) -> WebhookChange:
        """What is asked for."""
        return WebhookChange(**self.model_dump(), allowed_networks=options.allowed_networks)


class RotationBody(BaseModel):
    """Seconds for which the secret before it signs along; 0 when it has leaked."""

    expire_old_after: Annotated[int, Field(ge=0, le=30 * 86400)] = 86400


class ReplayBody(BaseModel):
    """Events to be sent again: beyond the id ``after`` or from ``since`` on, until before ``before`` or ``until``."""

    after: _Id | None = None
    before: _Id | None = None
    since: _Moment | None = None
    until: _Moment | None = None
    types: _Types = Field(default=[])

    def to_span(self) -> Span:
        """What is asked for."""
        return Span(**{**self.model_dump(), "types": tuple(self.types)})


class WebhookQuery(BaseModel):
    """Which webhooks, the oldest first; ``cursor`` is where the last page ended."""

    namespace: str | None = None
    environment: str | None = None
    state: WebhookState | None = None
    limit: _Limit = None
    cursor: _Id = 0

    def to_filter(self, maximum: int) -> WebhookFilter:
        """The filters as the repository takes them."""
        return WebhookFilter(
            namespace=self.namespace,
            environment=self.environment,
            state=self.state,
            after=self.cursor,
            limit=min(self.limit or maximum, maximum),
        )


class DeliveryQuery(BaseModel):
    """Which deliveries, the newest first; ``cursor`` is where the last page ended."""

    state: DeliveryState | None = None
    kind: DeliveryKind | None = None
    limit: _Limit = None
    cursor: _Id | None = None

    def to_filter(self, maximum: int) -> DeliveryFilter:
        """The filters as the repository takes them."""
        limit = min(self.limit or maximum, maximum)
        return DeliveryFilter(state=self.state, kind=self.kind, before=self.cursor, limit=limit)


class SecretModel(BaseModel):
    """When a secret was made, and until when it signs: null is until there is a newer one."""

    created_on: datetime
    expires_on: datetime | None


class WebhookModel(BaseModel):
    """A webhook; of somebody else's ``url`` only scheme and host are shown.

    ``position`` is the id of the last event it is done with; ``secrets`` are those that sign now, the newest first.
    """

    id: int
    url: str
    description: str
    owner: str
    namespace: str | None
    environment: str | None
    types: list[str]
    state: WebhookState
    disabled_reason: str | None
    failing_since: datetime | None
    position: str
    created_on: datetime
    updated_on: datetime
    secrets: list[SecretModel]


class NewWebhookModel(WebhookModel):
    """A webhook just made, with its secret, which is never shown again."""

    secret: str


class NewSecretModel(BaseModel):
    """A secret just made, which is never shown again."""

    secret: str


class WebhookPageModel(BaseModel):
    """One page of webhooks; ``cursor`` leads to the next one, and is null on the last."""

    status: Literal["ok"]
    data: list[WebhookModel]
    message: str | None = None
    cursor: str | None


class AttemptModel(BaseModel):
    """One request: when, how long it took, the status it was answered with, or what went wrong."""

    time: datetime
    seconds: float
    status: int | None
    error: str | None


class DeliveryModel(BaseModel):
    """What is, or was, to be sent; ``message_id`` is its header ``webhook-id``, the same for all of one event.

    A pending one is due at ``not_before``: null is now, or once those before it are over.
    """

    id: int
    kind: DeliveryKind
    state: DeliveryState
    type: str
    event_id: str | None
    message_id: str
    attempts: list[AttemptModel]
    not_before: datetime | None
    created_on: datetime
    finished_on: datetime | None


class DeliveryPageModel(BaseModel):
    """One page of deliveries; ``cursor`` leads to the next one, and is null on the last."""

    status: Literal["ok"]
    data: list[DeliveryModel]
    message: str | None = None
    cursor: str | None


class DeliveryIdModel(BaseModel):
    """The delivery that was added."""

    delivery_id: int


class ReplayedModel(BaseModel):
    """How many events are sent again; where there are more, ``after`` is what to go on with."""

    deliveries: int
    after: str | None


def webhook_shape(webhook: Webhook, secrets: Sequence[WebhookSecret], viewer: str) -> dict[str, Any]:
    """A webhook as ``viewer`` may see it."""
    return {
        "id": webhook.id,
        "url": webhook.url if webhook.owner == viewer else origin_of(webhook.url),
        "description": webhook.description,
        "owner": webhook.owner,
        "namespace": webhook.namespace,
        "environment": webhook.environment,
        "types": webhook.types,
        "state": webhook.state,
        "disabled_reason": webhook.disabled_reason,
        "failing_since": _zoned(webhook.failing_since),
        "position": str(webhook.position),
        "created_on": _zoned(webhook.created_on),
        "updated_on": _zoned(webhook.updated_on),
        "secrets": [
            {"created_on": _zoned(secret.created_on), "expires_on": _zoned(secret.expires_on)} for secret in secrets
        ],
    }


def delivery_shape(delivery: WebhookDelivery) -> dict[str, Any]:
    """A delivery."""
    return {
        "id": delivery.id,
        "kind": delivery.kind,
        "state": delivery.state,
        "type": delivery.type,
        "event_id": None if delivery.event_id is None else str(delivery.event_id),
        "message_id": message_id(DeliveryKind(delivery.kind), delivery.id, delivery.event_id),
        "attempts": delivery.attempts,
        "not_before": _zoned(delivery.not_before),
        "created_on": _zoned(delivery.created_on),
        "finished_on": _zoned(delivery.finished_on),
    }


def _zoned(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)
