"""The routes of api as an application, with callers whose tokens are configured."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx

from conda_store_api.adapters.called_hooks import HookOptions
from conda_store_api.config import ApiOptions
from conda_store_api.domain.policy import BuildPolicy, LedgerOptions
from conda_store_api.main import Parts, build
from conda_store_api.use_cases.create_webhook import WebhookOptions
from conda_store_api.use_cases.ledger.stage_failed import RetryPolicy
from conda_store_shared.assembly.process import Process, make_application
from conda_store_shared.bus.memory import MemoryBus
from conda_store_shared.config.server import CondaStoreServer
from conda_store_shared.web.authentication import AuthorizationOptions
from conda_store_shared.web.unstorable import unstorable_value
from tests.unit.api.ledger_builders import Ledger

# Who may do what: everything; everything in team; read in team; work in team; read one environment; nothing but what
# everybody may.
CALLERS: Mapping[str, Mapping[str, Any]] = {
    "admin": {"primary_namespace": "admin", "role_bindings": {"*/*": ["admin"]}},
    "owner": {"primary_namespace": "owner", "role_bindings": {"team/*": ["admin"]}},
    "viewer": {"primary_namespace": "viewer", "role_bindings": {"team/*": ["viewer"]}},
    "developer": {"primary_namespace": "team", "role_bindings": {"team/*": ["developer"]}},
    "guest": {"primary_namespace": "guest", "role_bindings": {"lab/rain": ["viewer"]}},
    "stranger": {"primary_namespace": "stranger", "role_bindings": {}},
}
SPECIFICATION = "name: weather\nchannels: [conda-forge]\ndependencies: [python, numpy]\n"
NO_HOOKS = HookOptions()
DENIED = {"status": "error", "message": "request not authorized"}


class Api:
    """A caller of the service."""

    def __init__(self, client: httpx.AsyncClient, ledger: Ledger) -> None:
        self.client = client
        self.ledger = ledger

    async def ask(self, method: str, path: str, caller: str | None = "admin", **sent: Any) -> httpx.Response:
        """Send a request below ``/api/v1``; ``caller`` None is anonymous."""
        headers = {**sent.pop("headers", {}), **({"Authorization": f"Bearer {caller}"} if caller else {})}
        return await self.client.request(method, f"/api/v1{path}", headers=headers, **sent)

    async def get(self, path: str, caller: str | None = "admin", **sent: Any) -> httpx.Response:
        """Get."""
        return await self.ask("GET", path, caller, **sent)

    async def submit(self, text: str = SPECIFICATION, caller: str | None = "admin", **body: Any) -> httpx.Response:
        """Post a specification."""
        content = {"specification": text, "namespace": "team", **body}
        return await self.ask("POST", "/specification/", caller, json=content)


def wire_api(
    parts: Parts,
    policy: BuildPolicy,
    hooks: HookOptions = NO_HOOKS,
    webhooks_per_owner: int = 20,
    **authorization: Any,
) -> Process:
    """Return the service, whose looks for lost work come every second, in a process of its own."""
    options = ApiOptions(
        policy=hooked(policy, hooks),
        hooks=hooks,
        webhooks=WebhookOptions(per_owner=webhooks_per_owner),
        ledger=LedgerOptions(rescue_interval=1),
        retry=RetryPolicy(),
        authorization=AuthorizationOptions(secret="s" * 32, predefined_tokens=CALLERS, **authorization),
        max_page_size=100,
    )
    return Process(services=[build(options, parts)], bus=parts.bus, translate=(unstorable_value,))


def hooked(policy: BuildPolicy, hooks: HookOptions) -> BuildPolicy:
    """The policy of a deployment with hooks."""
    return replace(
        policy,
        completes_specifications=hooks.validate_specification is None,
        guards_storage=hooks.validate_action is None,
    )


@asynccontextmanager
async def open_api(ledger: Ledger, hooks: HookOptions = NO_HOOKS, **authorization: Any) -> AsyncIterator[Api]:
    """Wire the service on the ledger's database and store; nothing of it runs in the background."""
    parts = Parts(bus=MemoryBus(), store=ledger.store, database=ledger.database)
    process = wire_api(parts, ledger.policy, hooks, **authorization)
    async with open_client(process) as client:
        yield Api(client, ledger)


@asynccontextmanager
async def open_client(process: Process) -> AsyncIterator[httpx.AsyncClient]:
    """Open a client of the routes of a process."""
    transport = httpx.ASGITransport(make_application(process, CondaStoreServer()))
    async with httpx.AsyncClient(transport=transport, base_url="http://conda-store.example", timeout=30) as client:
        yield client
