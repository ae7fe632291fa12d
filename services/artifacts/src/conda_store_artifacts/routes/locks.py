"""The lock of a build in the forms that other programs read (contract §1.4 knows the one that is stored)."""

import asyncio

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from conda_store_artifacts.domain.explicit_list import write_explicit_list as write_installed_list
from conda_store_artifacts.domain.exported_environment import export_lock
from conda_store_artifacts.repositories.packages import list_installed_packages
from conda_store_artifacts.routes.access import OnCurrentBuild
from conda_store_artifacts.routes.context import downloads_of
from conda_store_artifacts.use_cases.read_build import LockedBuild, is_without_lockfile, read_locked_build
from conda_store_shared.domain.locks.explicit_writing import write_explicit_list
from conda_store_shared.domain.locks.pixi_writing import write_pixi_lock
from conda_store_shared.domain.permission import Permission
from conda_store_shared.web.build_access import OnBuild, build_place
from conda_store_shared.web.operation import Content, operation
from conda_store_shared.web.parsing import parse_query

_YAML, _TEXT = "text/yaml", "text/plain"
_NO_LOCK = {404: "There is no such build, or it has no lockfile."}
_NO_PLATFORM = {400: "The lockfile is not for that platform.", **_NO_LOCK}


class PlatformQuery(BaseModel):
    """``platform`` is one that the build is locked for; the one that is installed when none is named."""

    platform: str | None = None


_ON_BUILD, _ON_CURRENT = OnBuild(Permission.ENVIRONMENT_READ), OnCurrentBuild()
_PIXI = Content(told="All platforms, in one environment.", media_type=_YAML)
_LIST = Content(told="The packages of one platform, with their digests.", media_type=_TEXT)
_FILE = Content(told="The packages of one platform, pinned.", media_type=_YAML)


async def send_pixi_lock(request: Request) -> Response:
    """The lock of all platforms, as pixi writes it."""
    build = await locked_build(request)
    return _answer(await asyncio.to_thread(write_pixi_lock, build.lockfile), _YAML, "pixi.lock")


async def send_explicit_list(request: Request) -> Response:
    """The ``@EXPLICIT`` list of one platform."""
    query = parse_query(request, PlatformQuery)
    if (listed := await _installed_list(request)) is not None:
        return PlainTextResponse(listed)
    build = await locked_build(request)
    platform = build.platform(query.platform)
    return _answer(write_explicit_list(build.lockfile, platform), _TEXT, f"conda-{platform}.lock")


async def send_environment_file(request: Request) -> Response:
    """environment.yml, every package pinned."""
    query = parse_query(request, PlatformQuery)
    build = await locked_build(request)
    text = export_lock(build.order, build.lockfile, build.platform(query.platform))
    return _answer(text, _YAML, "environment.yml")


get_pixi_lock = operation("Download pixi.lock", _ON_BUILD, _PIXI, errors=_NO_LOCK)(send_pixi_lock)
get_explicit_list = operation(
    "Download the explicit list", _ON_BUILD, _LIST, query=PlatformQuery, errors=_NO_PLATFORM
)(send_explicit_list)  # fmt: skip
get_environment_file = operation(
    "Download environment.yml", _ON_BUILD, _FILE, query=PlatformQuery, errors=_NO_PLATFORM
)(send_environment_file)  # fmt: skip
get_current_pixi_lock = operation("Download pixi.lock of the current build", _ON_CURRENT, _PIXI, errors=_NO_LOCK)(
    send_pixi_lock
)
get_current_explicit_list = operation(
    "Download the explicit list of the current build", _ON_CURRENT, _LIST, query=PlatformQuery, errors=_NO_PLATFORM
)(send_explicit_list)  # fmt: skip
get_current_environment_file = operation(
    "Download environment.yml of the current build", _ON_CURRENT, _FILE, query=PlatformQuery, errors=_NO_PLATFORM
)(send_environment_file)  # fmt: skip


async def locked_build(request: Request) -> LockedBuild:
    """Return the build of a request with its lockfile; raises NotFound."""
    downloads = downloads_of(request)
    return await read_locked_build(build_place(request), database=downloads.database, store=downloads.store)


async def _installed_list(request: Request) -> str | None:
    build_id = build_place(request).build_id
    async with downloads_of(request).database.session() as session:
        if not await is_without_lockfile(session, build_id):
            return None
        return write_installed_list(await list_installed_packages(session, build_id))


def _answer(text: str, media_type: str, file_name: str) -> Response:
    return Response(text, media_type=media_type, headers={"Content-Disposition": f'inline; filename="{file_name}"'})
