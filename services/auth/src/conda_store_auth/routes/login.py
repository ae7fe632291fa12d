"""Logging in and out."""

from dataclasses import dataclass
from secrets import token_urlsafe
from typing import Any

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from conda_store_auth.domain.next_page import is_own_page
from conda_store_auth.ports import Credentials, IdentityProvider
from conda_store_auth.routes.login_page import LoginPage
from conda_store_auth.use_cases.log_in import log_in
from conda_store_shared.errors import InvalidInput
from conda_store_shared.transaction import Transactions
from conda_store_shared.web.answers import JsonResponse
from conda_store_shared.web.authentication import Authenticator
from conda_store_shared.web.errors import Unprocessable
from conda_store_shared.web.operation import Anyone, Content, operation
from conda_store_shared.web.parsing import parse_json
from conda_store_shared.web.routing import resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What the login routes need."""

    provider: IdentityProvider
    page: LoginPage
    cookie_name: str
    cookie_domain: str | None


class LoginBody(BaseModel):
    """The body that the login page posts."""

    username: str
    password: str = ""


class NextQuery(BaseModel):
    """``next`` is the page to go to afterwards: of this server, else it is ignored."""

    next: str | None = None


class RedirectModel(BaseModel):
    """Where to go."""

    redirect_url: str


class LoggedIn(BaseModel):
    """The token is in the cookie."""

    status: str
    data: RedirectModel


@operation("Show the login page", Anyone(), Content(told="The page.", media_type="text/html"), query=NextQuery)
async def show_login_page(request: Request) -> Response:
    """The page to log in with; remembers where to go afterwards."""
    wanted = request.query_params.get("next")
    if wanted is not None or "next" in request.session:
        request.session["next"] = wanted if wanted and is_own_page(wanted, _origin(request)) else None
    nonce = token_urlsafe(16)
    page = resource(request, Login).page
    return HTMLResponse(page.render(request.url.path, nonce), headers={"Content-Security-Policy": page.policy(nonce)})


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
    login, authenticator = resource(request, Login), resource(request, Authenticator)
    credentials = await _credentials(request)
    token = await log_in(credentials, login.provider, authenticator, resource(request, Transactions))
    answer = JsonResponse({"status": "ok", "data": {"redirect_url": _next_page(request)}})
    seconds = int((token.expiration - authenticator.clock()).total_seconds())
    answer.set_cookie(value=token.text, max_age=seconds, **_cookie(request, login))
    return answer


@operation("Log out", Anyone(), Content(told="To the next page.", status=303), query=NextQuery)
async def log_out(request: Request) -> Response:
    """Forget the token and go where the caller wants."""
    wanted = request.query_params.get("next", "")
    answer = RedirectResponse(wanted if is_own_page(wanted, _origin(request)) else _home(request), 303)
    answer.delete_cookie(**_cookie(request, resource(request, Login)))
    return answer


async def _credentials(request: Request) -> Credentials:
    try:
        body = await parse_json(request, LoginBody)
    except Unprocessable as error:
        raise InvalidInput(f"expected JSON with username and password: {error.message}") from None
    return Credentials(username=body.username, password=body.password)


def _next_page(request: Request) -> str:
    remembered = request.session.pop("next", None)
    for wanted in (request.query_params.get("next"), remembered):
        if isinstance(wanted, str) and is_own_page(wanted, _origin(request)):
            return wanted
    return _home(request)


def _origin(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


def _home(request: Request) -> str:
    return _origin(request) + "/"


def _cookie(request: Request, login: Login) -> dict[str, Any]:
    return {
        "key": login.cookie_name,
        "path": "/",
        "domain": login.cookie_domain,
        "secure": request.url.scheme == "https",
        "httponly": True,
        "samesite": "strict",
    }
