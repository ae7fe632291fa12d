"""The routes of auth, with everything their handlers need."""

from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware

from conda_store_auth.routes import auth_routes
from conda_store_auth.routes.login import Login
from conda_store_shared.web.authentication import Authenticator
from conda_store_shared.web.routing import PathRoute, prefixed, provide


def wire_routes(login: Login, authenticator: Authenticator, *, session_secret: str, url_prefix: str) -> list[PathRoute]:
    """Return the route table of auth below ``url_prefix``; ``session_secret`` signs what a browser keeps for us."""
    session = [Middleware(SessionMiddleware, secret_key=session_secret)]
    return prefixed(url_prefix, provide(auth_routes(session), login, authenticator))
