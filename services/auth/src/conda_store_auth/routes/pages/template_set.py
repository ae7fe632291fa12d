"""The templates of the pages: ours, those that the administrator puts in their place, and what they all know."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import BaseLoader, ChoiceLoader, Environment, FileSystemLoader, PackageLoader, Template, TemplateError
from markupsafe import Markup

from conda_store_shared.errors import ConfigurationError

NAMES = ("shell.html", "parts.html", "login.html", "own.html", "provider.html", "logged_in.html", "failed.html")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageOptions:
    """How the administrator wants the pages.

    ``login_html`` is a template for the body of the login page.  ``templates`` take the place of ours of the same name:
    a directory, or whatever has an environment of Jinja as ``env`` (Jinja2Templates of Starlette).  ``variables`` are
    known in all of them, of ours ``banner``, which is HTML, and ``logo``, the address of an image.
    """

    login_html: str = ""
    templates: Any = None
    variables: Mapping[str, Any] = field(default_factory=dict)


class TemplateSet:
    """The templates, each read once at the start; raises ConfigurationError that names the one that is broken."""

    def __init__(self, options: PageOptions) -> None:
        self._options = options
        loader, known = _own(options.templates)
        ours = PackageLoader("conda_store_auth", "routes/pages")
        self._environment = Environment(loader=ChoiceLoader([*loader, ours]), autoescape=True)
        self._environment.globals.update({**known, **_variables(options.variables)})
        for name in NAMES:
            self._check(f"CondaStoreServer.templates: {name}", name)
        self.login_body = self._body(options.login_html) if options.login_html else None

    def get(self, name: str) -> Template:
        """Return a template by name."""
        return self._environment.get_template(name)

    def policy(self, nonce: str | None) -> str:
        """Content-Security-Policy of a page in which elements with ``nonce`` are executed, all when it is None.

        Of templates that are not ours nobody knows what they execute, nor where they have their images from.
        """
        if self._options.templates is not None:
            return _policy("'self' 'unsafe-inline'", "'self' 'unsafe-inline' https:", "'self' data: https:")
        source = f"'nonce-{nonce}'" if nonce else "'unsafe-inline'"
        policy = _policy(source, source, " ".join(("'self' data:", *_origin(self._options.variables.get("logo")))))
        return f"{policy}; style-src-attr 'unsafe-inline'" if self._options.variables.get("banner") else policy

    def _check(self, told: str, name: str) -> None:
        try:
            self._environment.get_template(name)
        except TemplateError as error:
            raise ConfigurationError(f"{told}, line {getattr(error, 'lineno', '?')}: {error}") from error

    def _body(self, text: str) -> Template:
        try:
            return self._environment.from_string(text)
        except TemplateError as error:
            line = getattr(error, "lineno", "?")
            raise ConfigurationError(f"Authentication.login_html, line {line}: {error}") from error


def _own(templates: Any) -> tuple[list[BaseLoader], dict[str, Any]]:
    """The administrator's loader, and what their templates know of by themselves."""
    match templates:
        case None | "":
            return [], {}
        case str() | Path():
            if not Path(templates).is_dir():
                raise ConfigurationError(f"CondaStoreServer.templates: {templates} is no directory")
            return [FileSystemLoader(templates)], {}
    environment = getattr(templates, "env", None)
    if not isinstance(environment, Environment) or environment.loader is None:
        raise ConfigurationError(
            "CondaStoreServer.templates is a directory of templates, or Jinja2Templates of Starlette over one; "
            f"{type(templates).__name__} is neither"
        )
    return [environment.loader], dict(environment.globals)


def _variables(variables: Mapping[str, Any]) -> dict[str, Any]:
    """The banner is the administrator's own, and has always been HTML."""
    banner = {"banner": Markup(variables["banner"])} if variables.get("banner") else {}  # noqa: S704  see above
    return {**variables, **banner}


def _origin(logo: object) -> tuple[str, ...]:
    parts = urlsplit(logo) if isinstance(logo, str) else None
    return (f"{parts.scheme}://{parts.netloc}",) if parts and parts.scheme in ("http", "https") else ()


def _policy(scripts: str, styles: str, images: str) -> str:
    return (
        f"default-src 'none'; script-src {scripts}; style-src {styles}; img-src {images}; "
        f"font-src {images}; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
