"""What I may do, and why."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from conda_store_auth.use_cases.explain_permission import explain_permission, read_question
from conda_store_shared.domain.permission import Permission, Role
from conda_store_shared.web.access import Filtered
from conda_store_shared.web.answers import ok
from conda_store_shared.web.authentication import BindingSource, Principal, principal_of
from conda_store_shared.web.models import Envelope
from conda_store_shared.web.operation import operation
from conda_store_shared.web.parsing import parse_query


class PermissionQuery(BaseModel):
    """``explain`` asks about one permission: ``<permission>@<namespace>/<environment>``.

    ``<namespace>`` alone is the namespace as a whole; no place at all, as in ``setting::update@``, is everywhere.
    """

    explain: str | None = None


class GrantModel(BaseModel):
    """A binding that matches the place; one that is ``replaced_by`` another source counts for nothing."""

    arn: str
    roles: list[Role]
    source: BindingSource
    grants: bool
    replaced_by: BindingSource | None


class ExplanationModel(BaseModel):
    """Why something is allowed, or what is missing: one of the ``granting_roles``, on a binding that matches."""

    permission: Permission
    arn: str
    allowed: bool
    bindings: list[GrantModel]
    granting_roles: list[Role]
    message: str


class PermissionsModel(BaseModel):
    """Who the caller is, and permissions and roles by ARN; ``expiration`` is that of the credential."""

    authenticated: bool
    primary_namespace: str
    entity_permissions: dict[str, list[str]]
    entity_roles: dict[str, list[str]]
    expiration: datetime | None


class ExplainedPermissionsModel(PermissionsModel):
    """The same, with the answer to ``explain``."""

    explanation: ExplanationModel


@operation(
    "Show what the caller may do",
    Filtered(),
    Envelope[PermissionsModel],
    Envelope[ExplainedPermissionsModel],
    query=PermissionQuery,
    errors={400: "There is no such permission, or the place has no such name."},
)
async def show_permissions(request: Request) -> Response:
    """Who the caller is, and what their bindings allow; explained, when that is asked for."""
    asked, principal = parse_query(request, PermissionQuery).explain, await principal_of(request)
    told = _told(principal)
    if asked is not None:
        told["explanation"] = explain_permission(read_question(asked), principal)
    return ok(told)


def _told(principal: Principal) -> dict[str, Any]:
    return {
        "authenticated": principal.authenticated,
        "primary_namespace": principal.primary_namespace,
        "entity_permissions": {each.arn: sorted(principal.permissions_of(each)) for each in principal.bindings},
        "entity_roles": {each.arn: sorted(each.roles) for each in principal.bindings},
        "expiration": principal.expiration,
    }
