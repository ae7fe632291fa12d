"""Who may read what a build left behind, where the path names no build."""

from starlette.exceptions import HTTPException
from starlette.requests import Request

from conda_store_artifacts.repositories.environments import find_environment
from conda_store_artifacts.routes.context import downloads_of
from conda_store_shared.db.queries.builds import find_build_place, find_build_place_by_key
from conda_store_shared.domain.permission import Permission
from conda_store_shared.domain.storage_keys import build_key_of
from conda_store_shared.errors import InvalidInput, NotFound
from conda_store_shared.web.authentication import principal_of
from conda_store_shared.web.build_access import authorized_place, keep_place


class OnCurrentBuild:
    """The caller needs to read the environment in the path, which has a current build."""

    told = f"Needs `{Permission.ENVIRONMENT_READ}` on the environment."

    async def check(self, request: Request) -> None:
        """Raise NotFound when there is no such environment or build, then NotAuthorized."""
        principal, names = await principal_of(request), request.path_params
        async with downloads_of(request).database.reader() as reader:
            found = await find_environment(reader, names["namespace"], names["environment"])
            if found is None:
                raise NotFound("environment does not exist")
            current = found.current_build_id
            place = None if current is None else await find_build_place(reader, current)
        keep_place(request, authorized_place(principal, place, Permission.ENVIRONMENT_READ))


class OnObject:
    """The caller needs to read the environment of the build that left the object in the path behind."""

    told = f"Needs `{Permission.ENVIRONMENT_READ}` on the environment of the build that left it behind."

    async def check(self, request: Request) -> None:
        """Raise 404 for what is no object of a build, and for every object of a store with addresses of its own.

        Then raise NotAuthorized: nobody learns whether there is an object before they may read its build.
        """
        downloads, key = downloads_of(request), str(request.path_params["key"])
        principal = await principal_of(request)
        try:
            build_key = build_key_of(key)
            if build_key is None or await downloads.store.address(key, "") is not None:
                raise HTTPException(404)
            async with downloads.database.reader() as reader:
                place = await find_build_place_by_key(reader, build_key)
            keep_place(request, authorized_place(principal, place, Permission.ENVIRONMENT_READ))
        except (NotFound, InvalidInput):
            raise HTTPException(404) from None
