"""The rule about builds, which live in an environment that only the database knows."""

from starlette.requests import Request

from conda_store_shared.db.engine import Database
from conda_store_shared.db.queries.builds import BuildPlace, find_build_place
from conda_store_shared.domain.permission import Permission
from conda_store_shared.errors import NotFound
from conda_store_shared.web.authentication import Principal, authorize, principal_of
from conda_store_shared.web.routing import resource

_PLACE = "conda_store.build_place"


class OnBuild:
    """The caller needs permissions on the environment of the build in the path."""

    def __init__(self, *permissions: Permission) -> None:
        self.permissions = permissions

    @property
    def told(self) -> str:
        """The rule in words."""
        return f"Needs {' and '.join(f'`{each}`' for each in self.permissions)} on the environment of the build."

    async def check(self, request: Request) -> None:
        """Raise NotFound when there is no such build, then NotAuthorized.

        Who calls is found out before a connection is taken: it may need one of its own, and many requests that each
        hold one and want a second would wait for each other.
        """
        principal = await principal_of(request)
        async with resource(request, Database).reader() as reader:
            place = await find_build_place(reader, request.path_params["build_id"])
        keep_place(request, authorized_place(principal, place, *self.permissions))


def authorized_place(principal: Principal, place: BuildPlace | None, *permissions: Permission) -> BuildPlace:
    """Return ``place``; raises NotFound when there is none, then NotAuthorized."""
    if place is None:
        raise NotFound("build id does not exist")
    authorize(principal, permissions, place.namespace, place.environment)
    return place


def keep_place(request: Request, place: BuildPlace) -> None:
    """Keep what a rule found for the handler."""
    request.scope[_PLACE] = place


def build_place(request: Request) -> BuildPlace:
    """Return where the build of a request lives, as its access rule found it."""
    found: BuildPlace = request.scope[_PLACE]
    return found
