"""What I may do."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from conda_store_shared.web.access import Filtered
from conda_store_shared.web.answers import ok
from conda_store_shared.web.authentication import Principal, principal_of
from conda_store_shared.web.models import Envelope
from conda_store_shared.web.operation import operation


class PermissionsModel(BaseModel):
    """Who the caller is, and permissions and roles by ARN; ``expiration`` is that of the credential."""

    authenticated: bool
    primary_namespace: str
    entity_permissions: dict[str, list[str]]
    entity_roles: dict[str, list[str]]
    expiration: datetime | None


@operation("Show what the caller may do", Filtered(), Envelope[PermissionsModel])
async def show_permissions(request: Request) -> Response:
    """Who the caller is, and what their bindings allow."""
    return ok(_told(await principal_of(request)))


def _told(principal: Principal) -> dict[str, Any]:
    return {
        "authenticated": principal.authenticated,
        "primary_namespace": principal.primary_namespace,
        "entity_permissions": {each.arn: sorted(principal.permissions_of(each)) for each in principal.bindings},
        "entity_roles": {each.arn: sorted(each.roles) for each in principal.bindings},
        "expiration": principal.expiration,
    }
