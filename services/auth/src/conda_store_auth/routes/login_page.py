"""The login page: one document that fetches nothing."""

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

_PAGES = Environment(loader=PackageLoader("conda_store_auth", "routes/pages"), autoescape=True)


class LoginPage:
    """Renders the login page, around the operator's own template for its body if there is one."""

    def __init__(self, login_html: str = "") -> None:
        self._shell = _PAGES.get_template("login.html")
        self._body = _PAGES.from_string(login_html) if login_html else None

    def render(self, login_path: str, nonce: str) -> str:
        """Return the document; it posts to ``login_path``, and only elements with ``nonce`` are executed."""
        body = self._body and Markup(self._body.render(url_for=lambda _name: login_path))  # noqa: S704  the operator's
        return self._shell.render(login_path=login_path, nonce=nonce, body=body)

    def policy(self, nonce: str) -> str:
        """Content-Security-Policy of the document; the operator's own body may carry scripts without nonce."""
        source = "'unsafe-inline'" if self._body else f"'nonce-{nonce}'"
        return (
            f"default-src 'none'; script-src {source}; style-src {source}; img-src 'self' data:; "
            "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
