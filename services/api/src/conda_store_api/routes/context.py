"""What the handlers of this service reach for."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from conda_store_api.domain.policy import BuildPolicy
from conda_store_api.repositories.environments import find_environment, find_namespace
from conda_store_shared.db.models import Environment, Namespace
from conda_store_shared.db.queries.builds import BuildPlace, find_build_place
from conda_store_shared.domain.permission import Permission
from conda_store_shared.errors import NotFound
from conda_store_shared.storage.object_store import ObjectStore
from conda_store_shared.transaction import Transactions
from conda_store_shared.web.authentication import Principal, authorize, principal_of
from conda_store_shared.web.routing import resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """The parts of the service its routes use; ``release`` wakes the release of waiting builds."""

    transactions: Transactions
    store: ObjectStore
    policy: BuildPolicy
    release: Callable[[], None]
    version: str
    max_page_size: int = 100


def api_of(request: Request) -> Api:
    """Return the parts the route was provided with."""
    return resource(request, Api)


async def allowed_namespace(request: Request, *permissions: Permission) -> Principal:
    """Return the caller; raises NotAuthorized before anything tells whether the namespace exists."""
    principal = await principal_of(request)
    authorize(principal, permissions, request.path_params["namespace"], None)
    return principal


async def allowed_environment(request: Request, *permissions: Permission) -> Principal:
    """Return the caller; raises NotAuthorized before anything tells whether the environment exists."""
    principal = await principal_of(request)
    authorize(principal, permissions, request.path_params["namespace"], request.path_params["environment"])
    return principal


async def allowed_build(request: Request, session: AsyncSession, *permissions: Permission) -> BuildPlace:
    """Return where a build lives; raises NotFound, then NotAuthorized.

    Ask for the principal before opening the session: finding out takes another connection, and many requests that each
    hold one and want a second would wait for each other.
    """
    place = await find_build_place(session, request.path_params["build_id"])
    if place is None:
        raise NotFound("build id does not exist")
    authorize(await principal_of(request), permissions, place.namespace, place.environment)
    return place


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
