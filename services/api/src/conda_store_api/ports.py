"""What this service asks of others."""

from collections.abc import Collection, Mapping
from typing import Protocol

from conda_store_api.domain.hook_views import EnvironmentView
from conda_store_api.domain.webhook_request import WebhookAnswer, WebhookRequest
from conda_store_shared.domain.permission import Permission
from conda_store_shared.domain.public_event import PublicEventType
from conda_store_shared.domain.specification import Specification


class Hooks(Protocol):
    """Functions by which a deployment changes, refuses and follows what happens (contract §4.6).

    They may take seconds: nobody holds a transaction meanwhile.
    """

    async def validate_specification(self, namespace: str, specification: Specification) -> Specification:
        """Return what is to be built; raises HookRefused, HookFailed, TookTooLong."""
        ...

    async def validate_action(self, namespace: str, action: Permission) -> None:
        """Raise HookRefused, HookFailed or TookTooLong when an action is not to be done."""
        ...

    async def tell_update(self, environment: EnvironmentView) -> None:
        """Tell that users of an environment get another build; what the hook does with it is its own affair."""
        ...


class NoHooks:
    """The hooks of a deployment that has none."""

    async def validate_specification(self, namespace: str, specification: Specification) -> Specification:
        """Return the specification."""
        del namespace
        return specification

    async def validate_action(self, namespace: str, action: Permission) -> None:
        """Let everything be done."""

    async def tell_update(self, environment: EnvironmentView) -> None:
        """Tell nobody."""


class WebhookSender(Protocol):
    """Sends a request to where a webhook wants it, and to no place that is not allowed."""

    async def send(self, request: WebhookRequest) -> WebhookAnswer:
        """Send, within a time; whatever goes wrong is told in the answer."""
        ...


class EventHooks(Protocol):
    """Functions by which a deployment is told of public events."""

    @property
    def patterns(self) -> Mapping[str, Collection[PublicEventType]]:
        """The name of each function, and what it is told of."""
        ...

    async def tell(self, pattern: str, event: bytes) -> None:
        """Call a function with an event as CloudEvents in JSON; what becomes of it is its own affair.

        Raises DatabaseUnavailable when it could not do what it does for want of the database.
        """
        ...
