"""Redirects to what a build left behind, and its log while it is written (contract §1.4)."""

from typing import Literal

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from conda_store_artifacts.domain.explicit_list import write_explicit_list
from conda_store_artifacts.domain.log_position import LogPosition
from conda_store_artifacts.repositories.logs import is_log_stored
from conda_store_artifacts.repositories.packages import list_installed_packages
from conda_store_artifacts.routes.access import OnCurrentBuild
from conda_store_artifacts.routes.context import Downloads, downloads_of
from conda_store_artifacts.routes.log_stream import answer_log_stream
from conda_store_artifacts.use_cases.locate_artifact import address_of, locate_artifact
from conda_store_artifacts.use_cases.provide_zstd_archive import provide_zstd_archive
from conda_store_artifacts.use_cases.read_log import LogPart, read_log
from conda_store_shared.db.queries.builds import BuildPlace, find_artifact_key
from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.permission import Permission
from conda_store_shared.errors import InvalidInput
from conda_store_shared.web.answers import DEPRECATED
from conda_store_shared.web.build_access import OnBuild, build_place
from conda_store_shared.web.operation import Content, Endpoint, operation
from conda_store_shared.web.parsing import parse_query
from conda_store_shared.web.server_sent_events import MEDIA_TYPE, ServerSentEvent

_TO_OBJECT = Content(told="To the object.", status=307)
_LISTED = Content(told="The packages of a build whose lockfile is no object.", media_type="text/plain")
_ABSENT = {404: "There is no such build, or it left no such thing behind."}


class ArchiveQuery(BaseModel):
    """``compression`` is gzip, unless it says zstd."""

    compression: Literal["gzip", "zstd"] = "gzip"


class LogQuery(BaseModel):
    """``position`` is what X-Log-Position said last, 0 for the beginning; with ``follow`` the log is streamed."""

    position: str | None = None
    follow: bool = False


def get_artifact(artifact_type: ArtifactType) -> Endpoint:
    """Return the handler that redirects to a build's artifact of one type."""

    @operation(f"Download {artifact_type}", OnBuild(Permission.ENVIRONMENT_READ), _TO_OBJECT, errors=_ABSENT)
    async def redirect_to_artifact(request: Request) -> Response:
        downloads, place = downloads_of(request), build_place(request)
        async with downloads.database.session() as session:
            return RedirectResponse(await locate_artifact(artifact_type, place, session, served=downloads.served))

    return redirect_to_artifact


@operation(
    "Download CONDA_PACK",
    OnBuild(Permission.ENVIRONMENT_READ),
    _TO_OBJECT,
    query=ArchiveQuery,
    errors={400: "There is no such compression.", **_ABSENT},
)
async def get_archive(request: Request) -> Response:
    """Redirect to a build's archive; the first who wants it compressed by zstd waits until it is."""
    downloads, place = downloads_of(request), build_place(request)
    if parse_query(request, ArchiveQuery).compression == "zstd":
        key = await provide_zstd_archive(place, tools=downloads.zstd)
        return RedirectResponse(await address_of(key, downloads.served))
    async with downloads.database.session() as session:
        return RedirectResponse(await locate_artifact(ArtifactType.CONDA_PACK, place, session, served=downloads.served))


@operation(
    "Name the image of a build",
    OnBuild(Permission.ENVIRONMENT_READ),
    Content(told="What to pull.", media_type="text/plain"),
    errors={400: "The build has no image.", **_ABSENT},
    deprecated=True,
)
async def get_image_name(request: Request) -> Response:
    """The image of a build, as docker pulls it."""
    downloads, place = downloads_of(request), build_place(request)
    async with downloads.database.session() as session:
        if await find_artifact_key(session, place.build_id, ArtifactType.DOCKER_MANIFEST) is None:
            raise InvalidInput(f"Build {place.build_id} doesn't have a docker manifest")
    return PlainTextResponse(downloads.image_name(place), headers=DEPRECATED)


@operation(
    "Download the installer",
    OnBuild(Permission.ENVIRONMENT_READ),
    _TO_OBJECT,
    errors={400: "The build has no installer.", **_ABSENT},
)
async def get_installer(request: Request) -> Response:
    """Redirect to the installer of a build that has one."""
    downloads, place, kind = downloads_of(request), build_place(request), ArtifactType.CONSTRUCTOR_INSTALLER
    async with downloads.database.session() as session:
        if await find_artifact_key(session, place.build_id, kind) is None:
            raise InvalidInput(f"Build {place.build_id} doesn't have an installer")
        return RedirectResponse(await locate_artifact(kind, place, session, served=downloads.served))


@operation("Download the lockfile", OnBuild(Permission.ENVIRONMENT_READ), _TO_OBJECT, _LISTED, errors=_ABSENT)
async def get_lockfile(request: Request) -> Response:
    """Redirect to a build's lockfile."""
    async with downloads_of(request).database.session() as session:
        return await _lockfile_response(build_place(request), session, downloads_of(request))


@operation(
    "Download the lockfile of the current build", OnCurrentBuild(), _TO_OBJECT, _LISTED,
    errors={404: "There is no such environment, or it has no build."},
)  # fmt: skip
async def get_current_lockfile(request: Request) -> Response:
    """Redirect to the lockfile of an environment's current build."""
    async with downloads_of(request).database.session() as session:
        return await _lockfile_response(build_place(request), session, downloads_of(request))


@operation(
    "Read the log",
    OnBuild(Permission.ENVIRONMENT_READ),
    _TO_OBJECT,
    Content(told="What follows the position; X-Log-Position and X-Log-Complete go with it.", media_type="text/plain"),
    Content(
        told="The log as it is written: `log`, `stage` and `end`.", media_type=MEDIA_TYPE, model=ServerSentEvent
    ),
    Content(told="Nothing follows what the reader has seen, nor will it.", status=204),
    query=LogQuery,
    errors={400: "The position is none.", **_ABSENT},
)
async def get_log(request: Request) -> Response:
    """Redirect to the stored log, or to the log as it is written; with ``position`` answer what follows it.

    With ``follow`` stream it from there on.
    """
    query = parse_query(request, LogQuery)
    if query.follow:
        return await answer_log_stream(request, query.position)
    downloads, place = downloads_of(request), build_place(request)
    async with downloads.database.session() as session:
        if query.position is not None:
            return _log_response(await read_log(session, place.build_id, LogPosition.parse(query.position)))
        return await _stored_log_response(place, session, downloads)


async def _lockfile_response(place: BuildPlace, session: AsyncSession, downloads: Downloads) -> Response:
    # An empty key was recorded for builds whose lockfile is no object but follows from their packages.
    if await find_artifact_key(session, place.build_id, ArtifactType.LOCKFILE) == "":
        return PlainTextResponse(write_explicit_list(await list_installed_packages(session, place.build_id)))
    return RedirectResponse(await locate_artifact(ArtifactType.LOCKFILE, place, session, served=downloads.served))


async def _stored_log_response(place: BuildPlace, session: AsyncSession, downloads: Downloads) -> Response:
    if not await is_log_stored(session, place.build_id):
        return RedirectResponse(downloads.log_path(place.build_id))
    return RedirectResponse(await locate_artifact(ArtifactType.LOGS, place, session, served=downloads.served))


def _log_response(part: LogPart) -> Response:
    headers = {
        "X-Log-Position": str(part.position),
        "X-Log-Complete": "true" if part.complete else "false",
        "Cache-Control": "no-store",
    }
    return PlainTextResponse(part.text, headers=headers)
