"""What the handlers of this service reach for."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from conda_store_artifacts.repositories.environments import find_environment
from conda_store_artifacts.use_cases.locate_artifact import ServedStore
from conda_store_shared.db.engine import Database
from conda_store_shared.db.queries.builds import BuildPlace, find_build_place, find_build_place_by_key
from conda_store_shared.domain.permission import Permission
from conda_store_shared.errors import NotFound
from conda_store_shared.storage.object_store import ObjectStore
from conda_store_shared.web.authentication import authorize, principal_of
from conda_store_shared.web.routing import resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloads:
    """The parts of the service its routes use; ``url_prefix`` is without a trailing slash."""

    database: Database
    store: ObjectStore
    url_prefix: str

    @property
    def served(self) -> ServedStore:
        """The store, and where objects without an address of their own are served."""
        return ServedStore(store=self.store, path=f"{self.url_prefix}/storage")

    def log_path(self, build_id: int) -> str:
        """Path of a build's log while it is written, from its beginning."""
        return f"{self.url_prefix}/api/v1/build/{build_id}/logs/?position=0"


def downloads_of(request: Request) -> Downloads:
    """Return the parts the route was provided with."""
    return resource(request, Downloads)


async def readable_build(request: Request, session: AsyncSession) -> BuildPlace:
    """Return the build in the path; raises NotFound, then NotAuthorized.

    Ask for the principal before opening the session: finding out takes another connection, and many requests that each
    hold one and want a second would wait for each other.
    """
    return await _readable(request, await find_build_place(session, request.path_params["build_id"]))


async def readable_current_build(request: Request, session: AsyncSession) -> BuildPlace:
    """Return the current build of the environment in the path; raises NotFound, then NotAuthorized."""
    found = await find_environment(session, request.path_params["namespace"], request.path_params["environment"])
    if found is None:
        raise NotFound("environment does not exist")
    current = found.current_build_id
    return await _readable(request, None if current is None else await find_build_place(session, current))


async def readable_build_of_key(request: Request, session: AsyncSession, build_key: str) -> BuildPlace:
    """Return the build with ``build_key``; raises NotFound, then NotAuthorized."""
    return await _readable(request, await find_build_place_by_key(session, build_key))


async def _readable(request: Request, place: BuildPlace | None) -> BuildPlace:
    if place is None:
        raise NotFound("build id does not exist")
    authorize(await principal_of(request), (Permission.ENVIRONMENT_READ,), place.namespace, place.environment)
    return place
