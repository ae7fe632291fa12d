"""Logging in on the pages of an identity provider."""

from dataclasses import dataclass

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from conda_store_auth.ports import Callback, RedirectProvider
from conda_store_auth.routes.addresses import CallbackUrl, callback_url, next_page, own_page
from conda_store_auth.routes.login import LoginQuery
from conda_store_auth.routes.pages import Pages
from conda_store_auth.routes.pending_logins import PendingLogins
from conda_store_auth.routes.token_cookie import holder, set_token
from conda_store_auth.use_cases.log_in import log_in
from conda_store_shared.errors import LoginRefused, NotFound
from conda_store_shared.transaction import Transactions
from conda_store_shared.web.authentication import Authenticator
from conda_store_shared.web.operation import Anyone, Content, operation
from conda_store_shared.web.routing import resource

# Some providers put whole tokens into it.
MAXIMUM_CODE = 8 * 1024
MAXIMUM_REASON = 300


@dataclass(frozen=True, slots=True)
class ProviderLogin:
    """Who knows people, and where the browser comes back to; empty for our own address."""

    provider: RedirectProvider
    callback_url: CallbackUrl = ""


class CallbackQuery(BaseModel):
    """What a provider says of a login: ``code``, or ``error`` with its description, and the ``state`` it was given."""

    code: str | None = None
    state: str | None = None
    error: str | None = None
    error_description: str | None = None
    iss: str | None = None
    next: str | None = None


@operation(
    "Begin to log in",
    Anyone(),
    Content(told="To the page of the identity provider.", status=307),
    Content(told="The page, for whoever has just logged out.", media_type="text/html"),
    query=LoginQuery,
)
async def begin_login(request: Request) -> Response:
    """Send the browser to the provider; remembers where to go afterwards."""
    login, pending = resource(request, ProviderLogin), resource(request, PendingLogins)
    if "signed_out" in request.query_params:
        return await _sign_in_page(request, login)
    attempt = pending.begin(callback_url(request, login.callback_url))
    answer = RedirectResponse(await login.provider.authorization_url(attempt), 307)
    pending.remember(request, answer, attempt, own_page(request, request.query_params.get("next")))
    return answer


@operation(
    "Finish to log in",
    Anyone(),
    Content(told="The token as cookie, and a page that leads on.", media_type="text/html"),
    query=CallbackQuery,
    errors={
        401: "The login was not begun in this browser.",
        403: "The provider does not say who this is.",
        404: "Nobody logs in at a provider here.",
    },
)
async def finish_login(request: Request) -> Response:
    """Ask the provider who somebody is whom it sends back."""
    login, pending = resource(request, ProviderLogin), resource(request, PendingLogins)
    attempt, remembered = pending.recall(request)
    callback = Callback(attempt=attempt, code=_code(request, login), issuer=request.query_params.get("iss"))
    token = await log_in(callback, login.provider, resource(request, Authenticator), resource(request, Transactions))
    page = resource(request, Pages).answer(request, "logged_in.html", next_page=next_page(request, remembered))
    pending.forget(request, page)
    return set_token(request, page, token)


@operation("Refuse to finish to log in", Anyone(), errors={404: "Nobody logs in at a provider here."})
async def refuse_callback(_request: Request) -> Response:
    """Say that nobody can have been sent here."""
    raise NotFound("people log in here by name and password, not at a provider")


async def _sign_in_page(request: Request, login: ProviderLogin) -> Response:
    return resource(request, Pages).login(
        request,
        "provider.html",
        provider=login.provider.name,
        signed_out=True,
        holder=await holder(request),
        next_page=own_page(request, request.query_params.get("next")),
    )


def _code(request: Request, login: ProviderLogin) -> str:
    query = request.query_params
    code = query.get("code", "")
    if "error" in query or not 0 < len(code) <= MAXIMUM_CODE:
        told = ": ".join(query[name] for name in ("error", "error_description") if query.get(name))
        line = "".join(character if character.isprintable() else " " for character in told)[:MAXIMUM_REASON]
        raise LoginRefused(f"{login.provider.name} says {line or 'nothing'}")
    return code
