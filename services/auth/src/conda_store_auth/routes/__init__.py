"""The route table of auth."""

from collections.abc import Sequence

from starlette.middleware import Middleware

from conda_store_auth.routes.login import log_in_by_password, log_out, show_login_page
from conda_store_auth.routes.oauth import begin_login, finish_login, refuse_callback
from conda_store_auth.routes.permissions import show_permissions
from conda_store_auth.routes.token_page import show_token_page
from conda_store_auth.routes.tokens import delete_presented_token, delete_token, get_tokens, post_token
from conda_store_shared.web.routing import PathRoute, route

# Several answers of the provider, each with a timeout of its own.
PROVIDER_DEADLINE = 300.0


def form_routes(session: Sequence[Middleware] = ()) -> list[PathRoute]:
    """Our own page; ``session`` is the middleware that keeps a browser's session."""
    return [route("/login/", get=show_login_page, post=log_in_by_password, middleware=session)]


def password_routes(session: Sequence[Middleware] = ()) -> list[PathRoute]:
    """Logging in on our own page, and nowhere else."""
    return [*form_routes(session), route("/oauth_callback/", get=refuse_callback)]


def callback_routes(pages: Sequence[Middleware] = ()) -> list[PathRoute]:
    """Coming back from a provider."""
    return [route("/oauth_callback/", get=finish_login, middleware=pages, deadline=PROVIDER_DEADLINE)]


def provider_routes(pages: Sequence[Middleware] = ()) -> list[PathRoute]:
    """Logging in at a provider; ``pages`` is the middleware that shows errors as pages."""
    begin = route("/login/", get=begin_login, middleware=pages, deadline=PROVIDER_DEADLINE)
    return [begin, *callback_routes(pages)]


def auth_routes(login: Sequence[PathRoute]) -> list[PathRoute]:
    """Every route of this service; ``login`` are those by which people log in."""
    return [
        *login,
        route("/login/token/", get=show_token_page),
        route("/logout/", post=log_out),
        route("/api/v1/permission/", get=show_permissions),
        route("/api/v1/token/", get=get_tokens, post=post_token, delete=delete_presented_token),
        route("/api/v1/token/{token_id}/", delete=delete_token),
    ]
