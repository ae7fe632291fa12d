"""Roles that a namespace grants to holders of other namespaces (contract §1.2, role mappings version 2)."""

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import Response

from conda_store_api.repositories.environments import find_namespace
from conda_store_api.repositories.role_bindings import find_granted_role, list_granted_roles
from conda_store_api.routes.context import api_of, changing_rights, existing_namespace
from conda_store_api.routes.models import GrantedRoleModel
from conda_store_api.routes.shapes import granted_role_shape
from conda_store_api.use_cases.grant_role import Grant, change_role, grant_role
from conda_store_api.use_cases.revoke_role import revoke_all_roles, revoke_role
from conda_store_shared.db.models import NamespaceRoleMappingV2
from conda_store_shared.db.moments import now
from conda_store_shared.domain.permission import Permission
from conda_store_shared.errors import InvalidInput, NotFound
from conda_store_shared.web.access import OnNamespace
from conda_store_shared.web.answers import ack, ok
from conda_store_shared.web.authentication import principal_of
from conda_store_shared.web.models import Ack, Envelope
from conda_store_shared.web.operation import operation
from conda_store_shared.web.parsing import parse_json, parse_query

_NO_NAMESPACE = {404: "There is no such namespace."}
_NO_OTHER = {400: "There is no such other namespace."}
_NO_ROLE = {404: "There is no such namespace, or the other one has no role in it."}
_INVALID = {400: "There is no such other namespace, or no such role."}


class OtherNamespaceQuery(BaseModel):
    """Whose role it is about."""

    other_namespace: str


class RoleBody(OtherNamespaceQuery):
    """Who is granted what; ``editor`` is another word for ``developer``."""

    role: str


@operation(
    "List the roles granted in a namespace",
    OnNamespace(Permission.NAMESPACE_READ, Permission.NAMESPACE_ROLE_MAPPING_READ),
    Envelope[list[GrantedRoleModel]],
    errors=_NO_NAMESPACE,
)
async def list_roles(request: Request) -> Response:
    """List the roles granted in a namespace."""
    async with api_of(request).transactions.database.session() as session:
        namespace = await existing_namespace(request, session)
        return ok([granted_role_shape(*found) for found in await list_granted_roles(session, namespace.id)])


@operation(
    "Take away all roles granted in a namespace",
    OnNamespace(Permission.NAMESPACE_READ, Permission.NAMESPACE_ROLE_MAPPING_DELETE),
    Ack,
    errors=_NO_NAMESPACE,
)
async def delete_roles(request: Request) -> Response:
    """Take away all roles granted in a namespace."""
    actor = (await principal_of(request)).primary_namespace
    async with changing_rights(request) as transaction:
        await revoke_all_roles(request.path_params["namespace"], actor, transaction, now())
    return ack()


@operation(
    "Show the role of another namespace",
    OnNamespace(Permission.NAMESPACE_READ, Permission.NAMESPACE_ROLE_MAPPING_READ),
    Envelope[GrantedRoleModel],
    query=OtherNamespaceQuery,
    errors={**_NO_OTHER, **_NO_ROLE},
)
async def show_role(request: Request) -> Response:
    """Show the role of another namespace."""
    async with api_of(request).transactions.database.session() as session:
        return ok(granted_role_shape(*await _existing_role(request, session)))


@operation(
    "Grant another namespace a role",
    OnNamespace(Permission.NAMESPACE_READ, Permission.NAMESPACE_ROLE_MAPPING_CREATE),
    Ack,
    body=RoleBody,
    errors={**_INVALID, **_NO_NAMESPACE, 409: "The other namespace has a role already."},
)
async def post_role(request: Request) -> Response:
    """Grant another namespace a role."""
    grant = await _grant(request, RoleBody)
    async with changing_rights(request) as transaction:
        await grant_role(grant, transaction)
    return ack()


@operation(
    "Grant another namespace another role",
    OnNamespace(Permission.NAMESPACE_READ, Permission.NAMESPACE_ROLE_MAPPING_UPDATE),
    Ack,
    body=RoleBody,
    errors={**_INVALID, **_NO_ROLE},
)
async def put_role(request: Request) -> Response:
    """Grant another namespace another role."""
    grant = await _grant(request, RoleBody)
    async with changing_rights(request) as transaction:
        await change_role(grant, transaction)
    return ack()


@operation(
    "Take away the role of another namespace",
    OnNamespace(Permission.NAMESPACE_READ, Permission.NAMESPACE_ROLE_MAPPING_DELETE),
    Ack,
    body=OtherNamespaceQuery,
    errors={**_NO_OTHER, **_NO_NAMESPACE},
)
async def delete_role(request: Request) -> Response:
    """Take away the role of another namespace."""
    grant = await _grant(request, OtherNamespaceQuery)
    async with changing_rights(request) as transaction:
        await revoke_role(grant, transaction)
    return ack()


async def _grant(request: Request, model: type[OtherNamespaceQuery]) -> Grant:
    body = await parse_json(request, model)
    return Grant(
        namespace=request.path_params["namespace"],
        actor=(await principal_of(request)).primary_namespace,
        now=now(),
        **body.model_dump(),
    )


async def _existing_role(request: Request, session: AsyncSession) -> tuple[NamespaceRoleMappingV2, str, str]:
    name = parse_query(request, OtherNamespaceQuery).other_namespace
    namespace, other = await existing_namespace(request, session), await find_namespace(session, name)
    if other is None or other.deleted_on is not None:
        raise InvalidInput(f"Namespace='{name}' not found")
    found = await find_granted_role(session, namespace.id, other.id)
    if found is None:
        raise NotFound("failed to find role")
    return found
