"""The API description and the pages that show it, which fetch nothing from elsewhere (contract §1.0)."""

import json
from functools import cache
from html import escape
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from secrets import token_urlsafe
from string import Template
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from conda_store_api.routes.context import api_of
from conda_store_shared.web.answers import JsonResponse
from conda_store_shared.web.models import NotFoundAnswer
from conda_store_shared.web.operation import Anyone, Content, operation

_ASSETS = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
    "oauth2-redirect.html": "text/html",
}
_PAGE = Content(told="The page.", media_type="text/html")
_TO_PAGE = Content(told="To the page.", status=307)


@operation("Show this description", Anyone(), Content(told="OpenAPI 3.1.", media_type="application/json"))
async def show_openapi(request: Request) -> Response:
    """The description of every operation, with the address it was asked under."""
    return JsonResponse({**_description(), "servers": [{"url": api_of(request).url_prefix or "/"}]})


@operation("Browse this description", Anyone(), _PAGE)
async def show_docs(request: Request) -> Response:
    """A page to read the description on, and to try operations out."""
    nonce = token_urlsafe(16)
    page = _template().substitute(prefix=escape(api_of(request).url_prefix), nonce=nonce)
    return HTMLResponse(page, headers={"Content-Security-Policy": _policy(nonce)})


@operation("Browse this description", Anyone(), _TO_PAGE)
async def redirect_to_docs(request: Request) -> Response:
    """To the page that shows the description."""
    return RedirectResponse(f"{api_of(request).url_prefix}/docs")


@operation(
    "Load a part of the page that shows this description",
    Anyone(),
    Content(told="The part.", media_type="*/*"),
    Content(told="It has no such part.", status=404, media_type="application/json", model=NotFoundAnswer),
)
async def get_docs_asset(request: Request) -> Response:
    """A script, style sheet or icon of Swagger UI."""
    name = request.path_params["name"]
    if name not in _ASSETS:
        raise HTTPException(404)
    return FileResponse(_assets() / name, media_type=_ASSETS[name])


@operation("Finish a login begun on the page that shows this description", Anyone(), _PAGE)
async def show_oauth2_redirect(_request: Request) -> Response:
    """Where an OAuth provider sends the browser that logs in on the page."""
    policy = "default-src 'none'; script-src 'unsafe-inline'; frame-ancestors 'none'"
    headers = {"Content-Security-Policy": policy}
    return FileResponse(_assets() / "oauth2-redirect.html", media_type="text/html", headers=headers)


@cache
def _description() -> dict[str, Any]:
    described: dict[str, Any] = json.loads(files(__package__).joinpath("openapi.json").read_bytes())
    return described


@cache
def _template() -> Template:
    return Template(files(__package__).joinpath("docs.html").read_text("utf-8"))


@cache
def _assets() -> Path:
    # The place alone: the package's own code serves other frameworks.
    found = find_spec("swagger_ui")
    assert found is not None and found.submodule_search_locations  # noqa: S101, PT018  a declared dependency
    return Path(found.submodule_search_locations[0]) / "static"


def _policy(nonce: str) -> str:
    # Swagger UI writes style attributes, and draws icons from data addresses.
    return (
        f"default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
