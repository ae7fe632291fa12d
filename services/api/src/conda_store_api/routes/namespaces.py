"""Namespaces: list, show, create (contract §1.2)."""

from typing import Any

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from conda_store_api.repositories.listings import list_visible_namespaces, role_mappings_of
from conda_store_api.routes.context import HOOK_ERRORS, act_of, api_of, ask_hook, changing_rights, existing_namespace
from conda_store_api.routes.models import JsonObject, NamespaceModel, NamespacePage
from conda_store_api.routes.shapes import namespace_shape
from conda_store_api.use_cases.change_namespace import NamespaceChange, change_namespace
from conda_store_api.use_cases.create_namespace import create_namespace
from conda_store_api.use_cases.delete_namespace import delete_namespace
from conda_store_shared.db.moments import now
from conda_store_shared.domain.permission import Permission
from conda_store_shared.web.access import Filtered, OnNamespace
from conda_store_shared.web.answers import JsonResponse, ack, ok
from conda_store_shared.web.authentication import principal_of
from conda_store_shared.web.models import Ack, Envelope
from conda_store_shared.web.operation import operation
from conda_store_shared.web.pagination import PageQuery, parse_page
from conda_store_shared.web.parsing import parse_json, read_json

_NO_NAMESPACE = {404: "There is no such namespace."}


class NamespaceBody(BaseModel):
    """What is replaced as a whole; what is left out stays.  ``role_mappings`` are roles by ARN."""

    metadata: dict[str, Any] | None = None
    role_mappings: dict[str, list[str]] | None = None


@operation("List namespaces", Filtered(), NamespacePage, query=PageQuery)
async def list_namespaces(request: Request) -> Response:
    """List the namespaces the caller may see."""
    page = parse_page(request, api_of(request).max_page_size, sortable=("name",), default=("name",))
    principal = await principal_of(request)
    api = api_of(request)
    async with api.transactions.database.reader() as reader:
        rows, count = await list_visible_namespaces(reader, principal.bindings, page, api.counts)
    data = [{"id": row[0], "name": row[1]} for row in rows]
    return JsonResponse({"status": "ok", "data": data, "page": page.number, "size": page.size, "count": count})


@operation(
    "Show a namespace",
    OnNamespace(Permission.NAMESPACE_READ),
    Envelope[NamespaceModel],
    errors=_NO_NAMESPACE,
)
async def show_namespace(request: Request) -> Response:
    """Show one namespace."""
    async with api_of(request).transactions.database.session() as session:
        namespace = await existing_namespace(request, session)
        return ok(namespace_shape(namespace, await role_mappings_of(session, [namespace.id])))


@operation(
    "Replace metadata, and roles of version 1",
    OnNamespace(
        Permission.NAMESPACE_UPDATE,
        Permission.NAMESPACE_ROLE_MAPPING_CREATE,
        Permission.NAMESPACE_ROLE_MAPPING_DELETE,
    ),
    Ack,
    body=NamespaceBody,
    body_optional=True,
    errors={**_NO_NAMESPACE, 400: "A role mapping is none, or grants more than the caller holds there."},
)
async def put_namespace(request: Request) -> Response:
    """Put metadata, and the roles that holders of the namespace have, in place of what is there."""
    body = await parse_json(request, NamespaceBody, optional=True)
    await _change(request, NamespaceChange(metadata=body.metadata, role_mappings=body.role_mappings))
    return ack()


@operation(
    "Replace metadata",
    OnNamespace(Permission.NAMESPACE_UPDATE),
    Ack,
    body=JsonObject,
    body_optional=True,
    errors=_NO_NAMESPACE,
)
async def put_metadata(request: Request) -> Response:
    """Put metadata in place of what is there; without a body nothing changes."""
    body = await parse_json(request, JsonObject, optional=True)
    is_sent = await read_json(request) is not None
    await _change(request, NamespaceChange(metadata=body.model_extra if is_sent else None))
    return ack()


@operation(
    "Create a namespace",
    OnNamespace(Permission.NAMESPACE_CREATE),
    Ack,
    errors={400: "The name is not allowed.", 409: "The namespace exists already."},
)
async def post_namespace(request: Request) -> Response:
    """Create a namespace."""
    act = await act_of(request)
    async with api_of(request).transactions.begin() as transaction:
        await create_namespace(request.path_params["namespace"], act, transaction)
    return ack()


@operation(
    "Delete a namespace",
    OnNamespace(Permission.NAMESPACE_DELETE),
    Ack,
    errors={400: "The deletion is not allowed.", **_NO_NAMESPACE, **HOOK_ERRORS},
)
async def remove_namespace(request: Request) -> Response:
    """Delete a namespace with all its environments and builds, and the roles granted by it and to it."""
    act, name = await act_of(request), request.path_params["namespace"]
    await ask_hook(request, name, Permission.NAMESPACE_DELETE)
    async with changing_rights(request) as transaction:
        await delete_namespace(name, act, transaction)
    api_of(request).erase()
    return ack()


async def _change(request: Request, change: NamespaceChange) -> None:
    writer = await principal_of(request)
    async with changing_rights(request) as transaction:
        await change_namespace(request.path_params["namespace"], change, writer, transaction, now())
