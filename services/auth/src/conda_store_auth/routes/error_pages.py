"""What went wrong at login, as a page for whoever looks at it; programs get the usual JSON."""

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from conda_store_auth.routes.addresses import own_page
from conda_store_auth.routes.pages import Pages
from conda_store_auth.routes.pending_logins import PendingLogins
from conda_store_shared.errors import CondaStoreError, LoginNotBegun, LoginRefused, ProviderUnavailable
from conda_store_shared.web.errors import answer_of
from conda_store_shared.web.routing import resource

_TITLES: dict[type[CondaStoreError], str] = {
    LoginNotBegun: "This login cannot be finished",
    ProviderUnavailable: "Nobody can vouch for you right now",
}
_EXPLANATIONS: dict[type[CondaStoreError], str] = {
    LoginNotBegun: "It was begun in another browser or more than an hour ago, or it is finished already.",
}

_log = structlog.get_logger()


class ErrorPages:
    """Answers errors of the tree with a page where a browser asks."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except CondaStoreError as error:
            request = Request(scope, receive)
            answer = _answer(request, error)
            if begun or answer is None:
                raise
            reason = error.reason if isinstance(error, LoginRefused) else error.message
            _log.warning("login_failed", code=error.code, status=answer.status_code, reason=reason)
            resource(request, PendingLogins).forget(request, answer)
            await answer(scope, receive, send)


def _answer(request: Request, error: CondaStoreError) -> Response | None:
    usual = answer_of(error)
    if usual is None or not _is_for_a_person(request):
        return usual
    page = resource(request, Pages).answer(
        request,
        "failed.html",
        usual.status_code,
        title=_TITLES.get(type(error), "You are not logged in"),
        message=error.message,
        reason=error.reason if isinstance(error, LoginRefused) else _EXPLANATIONS.get(type(error)),
        next_page=_wanted(request),
    )
    if "retry-after" in usual.headers:
        page.headers["Retry-After"] = usual.headers["retry-after"]
    return page


def _wanted(request: Request) -> str | None:
    """Where they wanted to go, for the next try to lead there."""
    asked = own_page(request, request.query_params.get("next"))
    try:
        return asked or resource(request, PendingLogins).recall(request)[1]
    except LoginNotBegun:
        return asked


def _is_for_a_person(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")
