"""Our own address as the browser knows it, and where on it a browser may be sent."""

from collections.abc import Callable

from starlette.requests import Request

from conda_store_auth.domain.next_page import is_own_page
from conda_store_shared.web.routing import ROUTE_PATH

CallbackUrl = str | Callable[[Request], str]

LOGIN = "/login/"
LOGOUT = "/logout/"
CALLBACK = "/oauth_callback/"
TOKEN_PAGE = "/login/token/"  # noqa: S105  an address
TOKENS = "/api/v1/token/"

_KNOWN = (TOKEN_PAGE, LOGIN, LOGOUT, CALLBACK)


def origin(request: Request) -> str:
    """Scheme and host, without a slash at the end."""
    return f"{request.url.scheme}://{request.url.netloc}"


def own_path(request: Request, path: str) -> str:
    """A path of ours below the prefix that everything is served under."""
    declared: str = request.scope[ROUTE_PATH]
    prefix = next(declared.removesuffix(each) for each in _KNOWN if declared.endswith(each))
    return prefix + path


def own_page(request: Request, wanted: object) -> str | None:
    """``wanted`` if it is a page of ours."""
    return wanted if isinstance(wanted, str) and is_own_page(wanted, origin(request)) else None


def next_page(request: Request, remembered: object = None) -> str:
    """The page to go to: of the query, else the remembered one, else the root; never one of another server."""
    asked = own_page(request, request.query_params.get("next"))
    return asked or own_page(request, remembered) or origin(request) + "/"


def callback_url(request: Request, configured: CallbackUrl) -> str:
    """Where a provider sends the browser back to; what is configured is handed on as it is."""
    if callable(configured):
        return str(configured(request))
    return configured or origin(request) + own_path(request, CALLBACK)
