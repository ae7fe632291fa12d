"""The pages people see: documents that fetch nothing."""

from secrets import token_urlsafe
from typing import Any

from jinja2 import Environment, PackageLoader
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from conda_store_auth.routes.addresses import LOGIN, LOGOUT, own_path


class Pages:
    """Renders pages; ``login_html`` is the operator's own template for the body of the login page."""

    def __init__(self, login_html: str = "") -> None:
        self._pages = Environment(loader=PackageLoader("conda_store_auth", "routes/pages"), autoescape=True)
        self._own_body = self._pages.from_string(login_html) if login_html else None

    def login(self, request: Request, page: str, **values: Any) -> HTMLResponse:
        """The login page, around the operator's body if there is one."""
        if self._own_body is None:
            return self.answer(request, page, **values)
        path = own_path(request, LOGIN)
        body = Markup(self._own_body.render(url_for=lambda _name: path))  # noqa: S704  the operator's own
        return self._answer(request, "own.html", "'unsafe-inline'", body=body, **values)

    def answer(self, request: Request, page: str, status: int = 200, **values: Any) -> HTMLResponse:
        """A page of ours, in which only elements with its nonce are executed."""
        nonce = token_urlsafe(16)
        answer = self._answer(request, page, f"'nonce-{nonce}'", nonce=nonce, **values)
        answer.status_code = status
        return answer

    def _answer(self, request: Request, page: str, source: str, **values: Any) -> HTMLResponse:
        paths = {"login_path": own_path(request, LOGIN), "logout_path": own_path(request, LOGOUT)}
        policy = (
            f"default-src 'none'; script-src {source}; style-src {source}; img-src 'self' data:; "
            "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
        # The address of a page may hold a code or a state.
        headers = {"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"}
        return HTMLResponse(self._pages.get_template(page).render(**paths, **values), headers=headers)
