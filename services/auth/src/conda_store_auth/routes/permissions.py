"""What I may do."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from conda_store_shared.web.answers import ok
from conda_store_shared.web.authentication import Principal, principal_of


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
