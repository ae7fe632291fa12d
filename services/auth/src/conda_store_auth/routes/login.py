"""Logging in by name and password, and logging out."""

from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from conda_store_auth.ports import Credentials, IdentityProvider, PasswordProvider
from conda_store_auth.routes.addresses import next_page, own_page
from conda_store_auth.routes.pages import Pages
from conda_store_auth.routes.token_cookie import delete_token, holder, refuse_other_sites, set_token
from conda_store_auth.routes.tokens import revoke_cookie
from conda_store_auth.use_cases.log_in import log_in
from conda_store_shared.errors import InvalidInput
from conda_store_shared.transaction import Transactions
from conda_store_shared.web.answers import JsonResponse
from conda_store_shared.web.authentication import Authenticator
from conda_store_shared.web.errors import Unprocessable
from conda_store_shared.web.operation import Anyone, Content, operation
from conda_store_shared.web.parsing import parse_json
from conda_store_shared.web.routing import resource


class RequestProvider(IdentityProvider[Request], Protocol):
    """Reads what was posted by itself."""

    @property
    def asks(self) -> bool:
        """Whether the page asks for name and password."""
        ...


@dataclass(frozen=True, slots=True)
class PasswordLogin:
    """Whoever knows people by what they post: by name and password, or by the request when ``reads_request``."""

    provider: PasswordProvider | RequestProvider
    reads_request: bool = False


class LoginBody(BaseModel):
    """The body that the login page posts."""

    username: str
    password: str = ""


class NextQuery(BaseModel):
    """``next`` is the page to go to afterwards: of this server, else it is ignored."""

    next: str | None = None


class LoginQuery(NextQuery):
    """``signed_out`` shows the page to whoever has just logged out, rather than a provider's."""

    signed_out: str | None = None


class RedirectModel(BaseModel):
    """Where to go."""

    redirect_url: str


class LoggedIn(BaseModel):
    """The token is in the cookie."""

    status: str
    data: RedirectModel


@operation(
    "Show the login page",
    Anyone(),
    Content(told="The page, where people log in here.", media_type="text/html"),
    Content(told="To the page of the identity provider, where people log in there.", status=307),
    query=LoginQuery,
)
async def show_login_page(request: Request) -> Response:
    """The page to log in with; remembers where to go afterwards."""
    wanted = request.query_params.get("next")
    if wanted is not None or "next" in request.session:
        request.session["next"] = own_page(request, wanted)
    told = {"asks": resource(request, PasswordLogin).provider.asks, "signed_out": "signed_out" in request.query_params}
    return resource(request, Pages).login(
        request, "login.html", **told, holder=await holder(request), next_page=next_page(request)
    )


@operation(
    "Log in by name and password",
    Anyone(),
    LoggedIn,
    query=NextQuery,
    body=LoginBody,
    errors={400: "The body is not name and password.", 403: "They are nobody's."},
)
async def log_in_by_password(request: Request) -> Response:
    """Check name and password; answer with the token as cookie and the page to go to."""
    refuse_other_sites(request)
    login = resource(request, PasswordLogin)
    proof, known = await _proof(request, login), resource(request, Authenticator)
    token = await log_in(proof, login.provider, known, resource(request, Transactions))
    wanted = next_page(request, request.session.pop("next", None))
    return set_token(request, JsonResponse({"status": "ok", "data": {"redirect_url": wanted}}), token)


@operation("Log out", Anyone(), Content(told="To the next page.", status=303), query=NextQuery)
async def log_out(request: Request) -> Response:
    """Revoke the token of the cookie, forget the cookie, and go where the caller wants."""
    refuse_other_sites(request)
    await revoke_cookie(request)
    return delete_token(request, RedirectResponse(next_page(request), 303))


async def _proof(request: Request, login: PasswordLogin) -> Any:
    if login.reads_request:
        return request
    return await _credentials(request) if login.provider.asks else Credentials(username="", password="")


async def _credentials(request: Request) -> Credentials:
    try:
        body = await parse_json(request, LoginBody)
    except Unprocessable as error:
        raise InvalidInput(f"expected JSON with username and password: {error.message}") from None
    return Credentials(username=body.username, password=body.password)
