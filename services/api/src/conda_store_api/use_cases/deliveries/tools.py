"""What delivering needs, and how it is done."""

from dataclasses import dataclass, field

from conda_store_api.domain.delivery_schedule import DeliverySchedule
from conda_store_api.ports import WebhookSender
from conda_store_shared.transaction import Transactions
from conda_store_shared.web.authentication import Authenticator


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryOptions:
    """How deliveries are made.

    Every ``look`` seconds it is looked whether a notice was lost.  Webhooks that fail share ``failing_at_once`` places,
    so that those that work never wait for them.  So many events are ``kept`` in memory for each; the log has the rest.
    After ``stride`` events that are none of its own, a webhook is noted to be done with them.
    """

    schedule: DeliverySchedule = field(default_factory=DeliverySchedule)
    look: float = 2.0
    at_once: int = 100
    failing_at_once: int = 20
    kept: int = 100
    stride: int = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryTools:
    """What delivering needs; links in events begin with ``url_prefix``."""

    transactions: Transactions
    sender: WebhookSender
    authenticator: Authenticator
    version: str
    url_prefix: str = ""
    options: DeliveryOptions = field(default_factory=DeliveryOptions)
