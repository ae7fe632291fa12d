"""Tokens for scripts."""

from datetime import datetime

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from conda_store_auth.use_cases.issue_token import TokenRequest, issue_token
from conda_store_shared.web.access import ByUseCase
from conda_store_shared.web.answers import ok
from conda_store_shared.web.authentication import Authenticator, principal_of
from conda_store_shared.web.models import Envelope
from conda_store_shared.web.operation import operation
from conda_store_shared.web.parsing import parse_json
from conda_store_shared.web.routing import resource


class TokenBody(BaseModel):
    """The body of a request for a token; all of it may be left out."""

    primary_namespace: str | None = None
    expiration: datetime | None = None
    role_bindings: dict[str, list[str]] | None = None


class TokenModel(BaseModel):
    """A signed token."""

    token: str


@operation(
    "Issue a token",
    ByUseCase("Needs a credential; the token never allows more than its maker may."),
    Envelope[TokenModel],
    body=TokenBody,
    body_optional=True,
    errors={400: "The token would allow more, or for longer, than its maker may."},
)
async def post_token(request: Request) -> Response:
    """Issue a token that holds no more than its caller does."""
    wanted = TokenRequest(**dict(await parse_json(request, TokenBody, optional=True)))
    token = await issue_token(wanted, await principal_of(request), resource(request, Authenticator))
    return ok({"token": token})
