"""The pages people see: documents that fetch nothing but what the administrator wants on them."""

from collections.abc import Callable
from secrets import token_urlsafe
from typing import Any

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from conda_store_auth.routes.addresses import LOGIN, LOGOUT, own_path
from conda_store_auth.routes.pages.template_set import PageOptions, TemplateSet

# As templates written for conda-store call what we have.
_LOGIN_NAMES = ("post_login_method", "get_login_method")
_LOGOUT_NAMES = ("post_logout_method",)
_USUAL = PageOptions()


class Pages:
    """Renders pages; raises ConfigurationError for templates that cannot be read."""

    def __init__(self, options: PageOptions = _USUAL) -> None:
        self._templates = TemplateSet(options)

    def login(self, request: Request, page: str, **values: Any) -> HTMLResponse:
        """The login page, around the administrator's body if there is one."""
        if self._templates.login_body is None:
            return self.answer(request, page, **values)
        body = self._templates.login_body.render(request=request, url_for=_url_for(request), **values)
        return self._answer(request, "own.html", None, body=Markup(body), **values)  # noqa: S704  their own

    def answer(self, request: Request, page: str, status: int = 200, **values: Any) -> HTMLResponse:
        """A page of ours, in which only elements with its nonce are executed."""
        answer = self._answer(request, page, token_urlsafe(16), **values)
        answer.status_code = status
        return answer

    def _answer(self, request: Request, page: str, nonce: str | None, **values: Any) -> HTMLResponse:
        known = {
            "request": request,
            "url_for": _url_for(request),
            "login_path": own_path(request, LOGIN),
            "logout_path": own_path(request, LOGOUT),
            "nonce": nonce,
        }
        # The address of a page may hold a code or a state.
        headers = {"Content-Security-Policy": self._templates.policy(nonce), "Referrer-Policy": "no-referrer"}
        return HTMLResponse(self._templates.get(page).render(**known, **values), headers=headers)


def _url_for(request: Request) -> Callable[..., str]:
    """What templates find addresses with, by the names of routes; of other names that of the first page."""

    def url_for(name: str, *, path: str = "", **_: Any) -> str:
        if name in (*_LOGIN_NAMES, *_LOGOUT_NAMES):
            return own_path(request, LOGIN if name in _LOGIN_NAMES else LOGOUT)
        return own_path(request, f"/static/{path.lstrip('/')}" if name == "static" else "/")

    return url_for
