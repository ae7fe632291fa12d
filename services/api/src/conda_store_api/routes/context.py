"""What the handlers of this service reach for."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from conda_store_api.domain.policy import BuildPolicy
from conda_store_api.ports import Hooks
from conda_store_api.repositories.counts import Counts
from conda_store_api.repositories.environments import find_environment, find_namespace
from conda_store_api.use_cases.act import Act
from conda_store_api.use_cases.create_webhook import WebhookOptions
from conda_store_api.use_cases.follow_events.feed import EventFeed
from conda_store_api.use_cases.solve_remotely import RemoteSolveTools
from conda_store_shared.db.models import Environment, Namespace
from conda_store_shared.db.moments import now
from conda_store_shared.domain.permission import Permission
from conda_store_shared.errors import NotFound
from conda_store_shared.storage.object_store import ObjectStore
from conda_store_shared.transaction import Transaction, Transactions
from conda_store_shared.web.authentication import principal_of
from conda_store_shared.web.routing import resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """The parts of the service its routes use.

    ``release`` wakes the release of waiting builds, ``erase`` the removal of what was deleted, ``wake_webhooks`` what
    delivers to webhooks; ``forget_rights`` has role bindings read anew; ``feed`` is for streams of events;
    ``url_prefix`` is without a trailing slash; anybody may have specifications solved with ``anonymous_solve``.
    """

    transactions: Transactions
    store: ObjectStore
    counts: Counts
    policy: BuildPolicy
    hooks: Hooks
    release: Callable[[], None]
    erase: Callable[[], None]
    wake_webhooks: Callable[[], None]
    forget_rights: Callable[[], None]
    solves: RemoteSolveTools
    feed: EventFeed
    version: str
    webhooks: WebhookOptions = field(default_factory=WebhookOptions)
    max_page_size: int = 100
    url_prefix: str = ""
    anonymous_solve: bool = False
    # Large locks are read one after the other, beside what else is served.
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)


# What an operation answers whose caller waits for a hook; a refusal is a 400.
HOOK_ERRORS = {500: "A hook of the deployment failed.", 504: "A hook of the deployment gave no answer in time."}


def api_of(request: Request) -> Api:
    """Return the parts the route was provided with."""
    return resource(request, Api)


async def ask_hook(request: Request, namespace: str, action: Permission) -> None:
    """Let the hook of the deployment refuse an action, before a transaction is open.

    Raises HookRefused, HookFailed, TookTooLong.
    """
    await api_of(request).hooks.validate_action(namespace, action)


@asynccontextmanager
async def changing_rights(request: Request) -> AsyncIterator[Transaction]:
    """Open a transaction that changes who holds which role; it counts at once here, elsewhere in two seconds."""
    async with api_of(request).transactions.begin() as transaction:
        yield transaction
    api_of(request).forget_rights()


@asynccontextmanager
async def changing_webhooks(request: Request) -> AsyncIterator[Transaction]:
    """Open a transaction after which webhooks are looked at anew: at once here, elsewhere within seconds."""
    async with api_of(request).transactions.begin() as transaction:
        yield transaction
    api_of(request).wake_webhooks()


async def act_of(request: Request) -> Act:
    """Return who asks for something to be done, and that it is now."""
    return Act(actor=(await principal_of(request)).primary_namespace, now=now())


async def existing_namespace(request: Request, session: AsyncSession) -> Namespace:
    """Return the namespace in the path; raises NotFound."""
    namespace = await find_namespace(session, request.path_params["namespace"])
    if namespace is None or namespace.deleted_on is not None:
        raise NotFound("namespace does not exist")
    return namespace


async def existing_environment(request: Request, session: AsyncSession) -> tuple[Environment, Namespace]:
    """Return the environment in the path with its namespace; raises NotFound."""
    names = request.path_params["namespace"], request.path_params["environment"]
    found = await find_environment(session, *names)
    if found is None:
        raise NotFound("environment does not exist")
    return found
