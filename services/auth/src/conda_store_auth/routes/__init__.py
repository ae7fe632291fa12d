"""The route table of auth."""

from collections.abc import Sequence

from starlette.middleware import Middleware

from conda_store_auth.routes.login import log_in_by_password, log_out, show_login_page
from conda_store_auth.routes.permissions import show_permissions
from conda_store_auth.routes.tokens import post_token
from conda_store_shared.web.routing import PathRoute, route


def auth_routes(session: Sequence[Middleware]) -> list[PathRoute]:
    """Every route of this service; ``session`` is the middleware that keeps a browser's session."""
    return [
        route("/login/", get=show_login_page, post=log_in_by_password, middleware=session),
        route("/logout/", post=log_out),
        route("/api/v1/permission/", get=show_permissions),
        route("/api/v1/token/", post=post_token),
    ]
