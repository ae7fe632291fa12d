"""The page on which somebody makes a token for a program, such as the command line."""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from conda_store_auth.routes.addresses import LOGIN, TOKEN_PAGE, TOKENS, own_path
from conda_store_auth.routes.pages import Pages
from conda_store_auth.routes.token_cookie import holder
from conda_store_shared.web.operation import Anyone, Content, operation
from conda_store_shared.web.routing import resource


@operation(
    "Show the page that makes a token",
    Anyone(),
    Content(told="The page, for whoever is logged in.", media_type="text/html"),
    Content(told="To the login page, which leads back, for anybody else.", status=307),
)
async def show_token_page(request: Request) -> Response:
    """A page with a button that makes a token, and shows it once."""
    name = await holder(request)
    if name is None:
        back = quote(own_path(request, TOKEN_PAGE))
        return RedirectResponse(f"{own_path(request, LOGIN)}?next={back}", 307)
    tokens_path = own_path(request, TOKENS)
    page = resource(request, Pages).answer(request, "token.html", holder=name, tokens_path=tokens_path)
    page.headers["Cache-Control"] = "no-store"
    return page
