"""The routes of auth, with everything their handlers need."""

from starlette.middleware import Middleware

from conda_store_auth.routes import auth_routes, password_routes, provider_routes
from conda_store_auth.routes.browser_session import BrowserSession
from conda_store_auth.routes.error_pages import ErrorPages
from conda_store_auth.routes.login import PasswordLogin
from conda_store_auth.routes.oauth import ProviderLogin
from conda_store_auth.routes.pending_logins import PendingLogins
from conda_store_shared.web.routing import PathRoute, provide


def wire_routes(login: PasswordLogin | ProviderLogin, *resources: object, secret: str) -> list[PathRoute]:
    """Return the route table of auth for one way to log in.

    ``resources`` are an Authenticator, Transactions, Pages, OwnPages, TokenPages and a TokenCookie; ``secret`` signs
    what a browser keeps.
    """
    if isinstance(login, ProviderLogin):
        table = provider_routes([Middleware(ErrorPages)])
    else:
        table = password_routes([Middleware(BrowserSession, secret=secret)])
    return provide(auth_routes(table), login, PendingLogins(secret), *resources)
