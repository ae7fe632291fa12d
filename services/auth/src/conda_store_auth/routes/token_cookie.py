"""The cookie that holds a browser's token (contract §3.2)."""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from conda_store_auth.use_cases.sign_in import SignedToken
from conda_store_shared.errors import NotAuthorized, Unavailable
from conda_store_shared.web.authentication import Authenticator, principal_of
from conda_store_shared.web.credentials import OwnPages
from conda_store_shared.web.routing import resource

# Browsers drop a cookie that is longer than 4096 bytes, attributes included, without a word.
MAXIMUM_LENGTH = 3800


@dataclass(frozen=True, slots=True)
class TokenCookie:
    """Its name, and the domain it goes to; None for the server that set it."""

    name: str
    domain: str | None = None


def set_token(request: Request, answer: Response, token: SignedToken) -> Response:
    """Return the answer with the cookie; raises NotAuthorized when no browser would keep it."""
    if len(token.text) > MAXIMUM_LENGTH:
        raise NotAuthorized(
            f"the roles granted at login make a token of {len(token.text)} characters, which no browser keeps; "
            "grant them by patterns, or in the namespaces"
        )
    seconds = int((token.expiration - resource(request, Authenticator).clock()).total_seconds())
    answer.set_cookie(value=token.text, max_age=seconds, **_attributes(request))
    return answer


def delete_token(request: Request, answer: Response) -> Response:
    """Return the answer with the cookie emptied."""
    answer.delete_cookie(**_attributes(request))
    return answer


async def holder(request: Request) -> str | None:
    """The name of whoever is logged in with this browser, as far as can be told now."""
    try:
        principal = await principal_of(request)
    except Unavailable:
        return None
    return principal.primary_namespace if principal.authenticated else None


def refuse_other_sites(request: Request) -> None:
    """Raise NotAuthorized when a page of another site logs somebody in or out."""
    if not resource(request, OwnPages).sent(request):
        raise NotAuthorized("request not authorized: a page of another site made the browser send it")


def _attributes(request: Request) -> dict[str, Any]:
    cookie = resource(request, TokenCookie)
    return {
        "key": cookie.name,
        "path": "/",
        "domain": cookie.domain,
        "secure": request.url.scheme == "https",
        "httponly": True,
        "samesite": "strict",
    }
