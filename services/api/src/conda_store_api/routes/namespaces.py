"""Namespaces: list, show, create (contract §1.2)."""

from starlette.requests import Request
from starlette.responses import Response

from conda_store_api.repositories.listings import list_visible_namespaces, role_mappings_of
from conda_store_api.routes.context import api_of, existing_namespace
from conda_store_api.routes.models import NamespaceModel, NamespacePage
from conda_store_api.routes.shapes import namespace_shape
from conda_store_api.use_cases.create_namespace import create_namespace
from conda_store_shared.db.moments import now
from conda_store_shared.domain.permission import Permission
from conda_store_shared.web.access import Filtered, OnNamespace
from conda_store_shared.web.answers import JsonResponse, ack, ok
from conda_store_shared.web.authentication import principal_of
from conda_store_shared.web.models import Ack, Envelope
from conda_store_shared.web.operation import operation
from conda_store_shared.web.pagination import PageQuery, parse_page


@operation("List namespaces", Filtered(), NamespacePage, query=PageQuery)
async def list_namespaces(request: Request) -> Response:
    """List the namespaces the caller may see."""
    page = parse_page(request, api_of(request).max_page_size, sortable=("name",), default=("name",))
    principal = await principal_of(request)
    async with api_of(request).transactions.database.session() as session:
        rows, count = await list_visible_namespaces(session, principal.bindings, page)
    data = [{"id": row.id, "name": row.name} for row in rows]
    return JsonResponse({"status": "ok", "data": data, "page": page.number, "size": page.size, "count": count})


@operation(
    "Show a namespace",
    OnNamespace(Permission.NAMESPACE_READ),
    Envelope[NamespaceModel],
    errors={404: "There is no such namespace."},
)
async def show_namespace(request: Request) -> Response:
    """Show one namespace."""
    async with api_of(request).transactions.database.session() as session:
        namespace = await existing_namespace(request, session)
        return ok(namespace_shape(namespace, await role_mappings_of(session, [namespace.id])))


@operation(
    "Create a namespace",
    OnNamespace(Permission.NAMESPACE_CREATE),
    Ack,
    errors={400: "The name is not allowed.", 409: "The namespace exists already."},
)
async def post_namespace(request: Request) -> Response:
    """Create a namespace."""
    principal = await principal_of(request)
    async with api_of(request).transactions.begin() as transaction:
        await create_namespace(request.path_params["namespace"], principal.primary_namespace, transaction, now())
    return ack()
