"""Environments: list, show, choose the current build (contract §1.3)."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from conda_store_api.repositories.listings import (
    Filter,
    list_namespaces_with_roles,
    list_visible_environments,
    role_mappings_of,
)
from conda_store_api.repositories.paging import AnyPage
from conda_store_api.routes.context import HOOK_ERRORS, Api, act_of, api_of, ask_hook, existing_environment
from conda_store_api.routes.filters import EnvironmentCursorQuery, EnvironmentQuery, environment_filter
from conda_store_api.routes.models import EnvironmentCursorPage, EnvironmentModel
from conda_store_api.routes.shapes import (
    environment_shape,
    environment_shapes,
    namespace_shape,
    namespace_shapes,
    without_current_build,
)
from conda_store_api.use_cases.act import Act
from conda_store_api.use_cases.delete_environment import delete_environment
from conda_store_api.use_cases.set_current_build import describe_environment, set_current_build
from conda_store_shared.domain.permission import Permission
from conda_store_shared.transaction import Transaction
from conda_store_shared.web.access import Filtered, OnEnvironment
from conda_store_shared.web.answers import DEPRECATED, ack, ok
from conda_store_shared.web.authentication import Principal, principal_of
from conda_store_shared.web.cursor import Cursor, CursorPage, cursor_envelope, parse_cursor_page
from conda_store_shared.web.models import Ack, Envelope, PageOf
from conda_store_shared.web.operation import operation
from conda_store_shared.web.pagination import page_envelope, parse_page
from conda_store_shared.web.parsing import parse_json

_SORTABLE = ("namespace", "name")


class EnvironmentBody(BaseModel):
    """What may be changed."""

    build_id: int | None = None
    description: str | None = None


@operation(
    "List environments",
    Filtered(),
    PageOf[EnvironmentModel],
    query=EnvironmentQuery,
    errors={400: "The token is worth nothing."},
    deprecated=True,
)
async def list_environments(request: Request) -> Response:
    """List the environments the caller may see."""
    page = parse_page(request, api_of(request).max_page_size, sortable=_SORTABLE, default=_SORTABLE)
    filters, principal = await environment_filter(request), await principal_of(request)
    data, count = await _read(api_of(request), principal, filters, page)
    answer = page_envelope(data, page, count)
    answer.headers.update(DEPRECATED)
    return answer


@operation(
    "List environments, page after page",
    Filtered(),
    EnvironmentCursorPage,
    query=EnvironmentCursorQuery,
    errors={400: "A sort key, the cursor or the token is none."},
)
async def list_environments_by_cursor(request: Request) -> Response:
    """List the environments the caller may see, after a cursor."""
    page = parse_cursor_page(request, api_of(request).max_page_size, _SORTABLE)
    filters, principal = await environment_filter(request), await principal_of(request)
    data, count = await _read(api_of(request), principal, filters, page)
    return cursor_envelope([without_current_build(shape) for shape in data], _cursor_after(page, data), count)


@operation(
    "Show an environment",
    OnEnvironment(Permission.ENVIRONMENT_READ),
    Envelope[EnvironmentModel],
    errors={404: "There is no such environment."},
)
async def show_environment(request: Request) -> Response:
    """Show one environment."""
    async with api_of(request).transactions.database.session() as session:
        environment, namespace = await existing_environment(request, session)
        mappings = await role_mappings_of(session, [namespace.id])
    return ok(environment_shape(environment, namespace_shape(namespace, mappings)))


@operation(
    "Choose the current build, change the description",
    OnEnvironment(Permission.ENVIRONMENT_UPDATE),
    Ack,
    body=EnvironmentBody,
    body_optional=True,
    errors={400: "There is no such build or environment, or the build cannot become its current one.", **HOOK_ERRORS},
)
async def put_environment(request: Request) -> Response:
    """Choose the current build, change the description."""
    body = await parse_json(request, EnvironmentBody, optional=True)
    act = await act_of(request)
    if body.build_id is not None:
        await ask_hook(request, _names(request)[0], Permission.ENVIRONMENT_UPDATE)
    async with api_of(request).transactions.begin() as transaction:
        await _change(request, body, act, transaction)
    return ack()


@operation(
    "Delete an environment",
    OnEnvironment(Permission.ENVIRONMENT_DELETE),
    Ack,
    errors={400: "There is no such environment, or its deletion is not allowed.", **HOOK_ERRORS},
)
async def remove_environment(request: Request) -> Response:
    """Delete an environment with all its builds."""
    act = await act_of(request)
    await ask_hook(request, _names(request)[0], Permission.ENVIRONMENT_DELETE)
    async with api_of(request).transactions.begin() as transaction:
        await delete_environment(_names(request), act, transaction)
    api_of(request).erase()
    return ack()


def _names(request: Request) -> tuple[str, str]:
    return request.path_params["namespace"], request.path_params["environment"]


async def _change(request: Request, body: EnvironmentBody, act: Act, transaction: Transaction) -> None:
    names = _names(request)
    if body.build_id is not None:
        await set_current_build(names, body.build_id, api_of(request).policy, act, transaction)
    if body.description is not None:
        await describe_environment(names, body.description, transaction)


async def _read(
    api: Api, principal: Principal, filters: Filter, page: AnyPage
) -> tuple[Sequence[dict[str, Any]], int]:
    async with api.transactions.database.reader() as reader:
        rows, count = await list_visible_environments(reader, principal.bindings, filters, page, api.counts)
        namespaces = await list_namespaces_with_roles(reader, {row[1] for row in rows})
    return environment_shapes(rows, namespace_shapes(namespaces)), count


def _cursor_after(page: CursorPage, data: Sequence[dict[str, Any]]) -> Cursor | None:
    if not data:
        return None
    last = data[-1]
    return page.cursor_of(last["id"], {"namespace": last["namespace"]["name"], "name": last["name"]})
