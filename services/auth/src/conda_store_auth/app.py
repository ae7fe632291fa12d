"""The routes of auth, with everything their handlers need."""

from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware

from conda_store_auth.routes import auth_routes
from conda_store_auth.routes.login import Login
from conda_store_shared.transaction import Transactions
from conda_store_shared.web.authentication import Authenticator
from conda_store_shared.web.routing import PathRoute, provide


def wire_routes(
    login: Login, authenticator: Authenticator, transactions: Transactions, *, session_secret: str
) -> list[PathRoute]:
    """Return the route table of auth; ``session_secret`` signs what a browser keeps for us."""
    session = [Middleware(SessionMiddleware, secret_key=session_secret)]
    return provide(auth_routes(session), login, authenticator, transactions)
