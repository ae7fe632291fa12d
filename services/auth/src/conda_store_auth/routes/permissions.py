"""What I may do."""

from starlette.requests import Request
from starlette.responses import Response

from conda_store_shared.web.answers import ok
from conda_store_shared.web.authentication import principal_of


async def show_permissions(request: Request) -> Response:
    """Who the caller is, and what their bindings allow."""
    principal = await principal_of(request)
    permissions = {binding.arn: sorted(principal.permissions_of(binding)) for binding in principal.bindings}
    return ok(
        {
            "authenticated": principal.authenticated,
            "primary_namespace": principal.primary_namespace,
            "entity_permissions": permissions,
            "entity_roles": {binding.arn: sorted(binding.roles) for binding in principal.bindings},
            "expiration": principal.expiration,
        }
    )
