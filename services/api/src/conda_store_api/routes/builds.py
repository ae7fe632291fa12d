"""Builds: list, show, build again, cancel, their packages (contract §1.4)."""

from starlette.requests import Request
from starlette.responses import Response

from conda_store_api.repositories.artifacts import list_artifacts
from conda_store_api.repositories.listings import find_build, list_build_packages, list_visible_builds
from conda_store_api.repositories.stages import list_stages
from conda_store_api.routes.context import HOOK_ERRORS, act_of, api_of, ask_hook
from conda_store_api.routes.filters import BuildQuery, PackageQuery
from conda_store_api.routes.models import BuildIdModel, BuildModel, PackageModel, StageModel
from conda_store_api.routes.shapes import (
    build_shape,
    build_shapes,
    package_shape,
    stage_shape,
)
from conda_store_api.use_cases.cancel_build import cancel_build, mark_canceled
from conda_store_api.use_cases.delete_build import delete_build
from conda_store_api.use_cases.submit_specification import Request as BuildRequest
from conda_store_api.use_cases.submit_specification import rebuild
from conda_store_shared.db.moments import now
from conda_store_shared.domain.permission import Permission
from conda_store_shared.web.access import Filtered
from conda_store_shared.web.answers import ack, ok
from conda_store_shared.web.authentication import principal_of
from conda_store_shared.web.build_access import OnBuild, build_place
from conda_store_shared.web.models import Ack, Envelope, PageOf
from conda_store_shared.web.operation import operation
from conda_store_shared.web.pagination import page_envelope, parse_page
from conda_store_shared.web.parsing import parse_query

_SORTABLE = ("id", "started_on", "scheduled_on", "ended_on")


_NO_BUILD = {404: "There is no such build."}


@operation("List builds", Filtered(), PageOf[BuildModel], query=BuildQuery)
async def list_builds(request: Request) -> Response:
    """List the builds the caller may see, deleted ones included."""
    page = parse_page(request, api_of(request).max_page_size, sortable=_SORTABLE, default=("id",))
    filters, principal = parse_query(request, BuildQuery).to_filter(), await principal_of(request)
    api = api_of(request)
    async with api.transactions.database.reader() as reader:
        rows, count = await list_visible_builds(reader, principal.bindings, filters, page, api.counts)
    return page_envelope(build_shapes(rows), page, count)


@operation("Show a build", OnBuild(Permission.ENVIRONMENT_READ), Envelope[BuildModel], errors=_NO_BUILD)
async def show_build(request: Request) -> Response:
    """Show one build with its specification and artifacts."""
    place = build_place(request)
    async with api_of(request).transactions.database.reader() as reader:
        build, specification = await find_build(reader, place.build_id)
        artifacts = await list_artifacts(reader, place.build_id)
    return ok(build_shape(build, specification, artifacts))


@operation("Build again", OnBuild(Permission.ENVIRONMENT_UPDATE), Envelope[BuildIdModel],
           errors={400: "The build is not allowed.", 409: "The environment of the build is being deleted.",
                   **_NO_BUILD, **HOOK_ERRORS})  # fmt: skip
async def put_build(request: Request) -> Response:
    """Build the same specification again."""
    api, principal, place = api_of(request), await principal_of(request), build_place(request)
    await ask_hook(request, place.namespace, Permission.ENVIRONMENT_UPDATE)
    async with api.transactions.begin() as transaction:
        again = BuildRequest(namespace=place.namespace, actor=principal.primary_namespace, now=now())
        build_id = await rebuild(place.build_id, again, api.policy, transaction)
    api.release()
    return ok({"build_id": build_id}, "rebuild triggered")


@operation("Cancel a build", OnBuild(Permission.BUILD_CANCEL), Ack, errors=_NO_BUILD)
async def cancel(request: Request) -> Response:
    """Cancel what has not ended."""
    api, place, act = api_of(request), build_place(request), await act_of(request)
    async with api.transactions.begin() as transaction:
        build_key = await cancel_build(place.build_id, act, transaction)
    if build_key is not None:
        await mark_canceled(api.store, build_key)
    return ack(f"build {place.build_id} canceled")


@operation(
    "Delete a build",
    OnBuild(Permission.BUILD_DELETE),
    Ack,
    errors={400: "The build has not finished, or its deletion is not allowed.", **_NO_BUILD, **HOOK_ERRORS},
)
async def remove_build(request: Request) -> Response:
    """Delete a build, but for the artifacts that the settings keep."""
    api, place, act = api_of(request), build_place(request), await act_of(request)
    await ask_hook(request, place.namespace, Permission.BUILD_DELETE)
    async with api.transactions.begin() as transaction:
        await delete_build(place.build_id, api.policy.settings, act, transaction)
    return ack()


@operation(
    "List the packages of a build",
    OnBuild(Permission.ENVIRONMENT_READ),
    PageOf[PackageModel],
    query=PackageQuery,
    errors=_NO_BUILD,
)
async def list_packages(request: Request) -> Response:
    """List the packages of a build."""
    page = parse_page(request, api_of(request).max_page_size, sortable=("channel", "name"), default=("channel", "name"))
    filters, place = parse_query(request, PackageQuery), build_place(request)
    async with api_of(request).transactions.database.session() as session:
        rows, count = await list_build_packages(session, place.build_id, filters.to_filter(), page)
    return page_envelope([package_shape(package, channel) for package, channel in rows], page, count)


@operation("Show the stages of a build", OnBuild(Permission.ENVIRONMENT_READ), Envelope[list[StageModel]],
           errors=_NO_BUILD)  # fmt: skip
async def show_stages(request: Request) -> Response:
    """Show how far each stage of a build is."""
    place = build_place(request)
    async with api_of(request).transactions.database.session() as session:
        return ok([stage_shape(stage, attempts) for stage, attempts in await list_stages(session, place.build_id)])
