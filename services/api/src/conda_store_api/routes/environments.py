"""Environments: list, show, choose the current build (contract §1.3)."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from conda_store_api.repositories.listings import (
    list_environments_after,
    list_visible_environments,
    role_mappings_of,
)
from conda_store_api.routes.context import api_of, existing_environment
from conda_store_api.routes.filters import EnvironmentCursorQuery, EnvironmentQuery, environment_filter
from conda_store_api.routes.models import EnvironmentCursorPage, EnvironmentModel
from conda_store_api.routes.shapes import environment_shape, namespace_shape, without_current_build
from conda_store_api.use_cases.set_current_build import describe_environment, set_current_build
from conda_store_shared.db.models import Environment, Namespace, NamespaceRoleMapping
from conda_store_shared.db.moments import now
from conda_store_shared.domain.permission import Permission
from conda_store_shared.transaction import Transaction
from conda_store_shared.web.access import Filtered, OnEnvironment
from conda_store_shared.web.answers import DEPRECATED, ack, ok
from conda_store_shared.web.authentication import principal_of
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
    async with api_of(request).transactions.database.session() as session:
        rows, count = await list_visible_environments(session, principal.bindings, filters, page)
        mappings = await role_mappings_of(session, {namespace.id for _, namespace in rows})
    answer = page_envelope([_shape(environment, namespace, mappings) for environment, namespace in rows], page, count)
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
    async with api_of(request).transactions.database.session() as session:
        rows, count = await list_environments_after(session, principal.bindings, filters, page)
        mappings = await role_mappings_of(session, {namespace.id for _, namespace in rows})
    data = [without_current_build(_shape(*row, mappings)) for row in rows]
    return cursor_envelope(data, _cursor_after(page, rows), count)


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
    return ok(_shape(environment, namespace, mappings))


@operation(
    "Choose the current build, change the description",
    OnEnvironment(Permission.ENVIRONMENT_UPDATE),
    Ack,
    body=EnvironmentBody,
    body_optional=True,
    errors={400: "There is no such build or environment, or the build cannot become its current one."},
)
async def put_environment(request: Request) -> Response:
    """Choose the current build, change the description."""
    body = await parse_json(request, EnvironmentBody, optional=True)
    async with api_of(request).transactions.begin() as transaction:
        await _change(request, body, transaction)
    return ack()


async def _change(request: Request, body: EnvironmentBody, transaction: Transaction) -> None:
    names = request.path_params["namespace"], request.path_params["environment"]
    if body.build_id is not None:
        await set_current_build(names, body.build_id, api_of(request).policy.settings, transaction, now())
    if body.description is not None:
        await describe_environment(names, body.description, transaction)


def _cursor_after(page: CursorPage, rows: Sequence[tuple[Environment, Namespace]]) -> Cursor | None:
    if not rows:
        return None
    environment, namespace = rows[-1]
    return page.cursor_of(environment.id, {"namespace": namespace.name, "name": environment.name})


def _shape(
    environment: Environment, namespace: Namespace, mappings: Sequence[NamespaceRoleMapping]
) -> dict[str, Any]:
    own = [mapping for mapping in mappings if mapping.namespace_id == namespace.id]
    return environment_shape(environment, namespace_shape(namespace, own))
