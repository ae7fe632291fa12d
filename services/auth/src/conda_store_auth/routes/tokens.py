"""Tokens: issue, list, revoke."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, StringConstraints
from starlette.requests import Request
from starlette.responses import Response

from conda_store_auth.domain.token_kind import TokenKind
from conda_store_auth.repositories.tokens import SORTABLE
from conda_store_auth.use_cases.issue_token import TokenRequest, issue_token
from conda_store_auth.use_cases.list_tokens import list_tokens
from conda_store_auth.use_cases.revoke_token import revoke_presented_token, revoke_token
from conda_store_shared.db.models import IssuedToken
from conda_store_shared.transaction import Transactions
from conda_store_shared.web.access import ByUseCase
from conda_store_shared.web.answers import ack, ok
from conda_store_shared.web.authentication import Authenticator, Principal, principal_of
from conda_store_shared.web.models import Ack, Envelope, PageOf
from conda_store_shared.web.operation import operation
from conda_store_shared.web.pagination import PageQuery, page_envelope, parse_page
from conda_store_shared.web.parsing import parse_json, parse_query
from conda_store_shared.web.routing import resource

# Names stand in lists and in logs: no control characters.
_PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f]*$"
TokenName = Annotated[str, StringConstraints(strip_whitespace=True, max_length=255, pattern=_PRINTABLE)]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPages:
    """How many tokens a page holds at most."""

    maximum_size: int = 100


class TokenBody(BaseModel):
    """The body of a request for a token; all of it may be left out.  ``name`` is for whoever looks at the list."""

    primary_namespace: str | None = None
    expiration: datetime | None = None
    role_bindings: dict[str, list[str]] | None = None
    name: TokenName | None = None


class TokenModel(BaseModel):
    """A signed token."""

    token: str


class TokensQuery(PageQuery):
    """Which tokens to list: those of the caller's primary namespace, unless another one is named."""

    primary_namespace: str | None = None


class IssuedTokenModel(BaseModel):
    """A token as it is recorded: by its ``jti``, or by the SHA-256 of its text if it has none.

    ``current`` is the one that the request shows.  Its use is recorded once a minute.
    """

    id: str
    kind: TokenKind
    name: str | None
    primary_namespace: str
    created_on: datetime
    expires_on: datetime | None
    last_used_on: datetime | None
    revoked_on: datetime | None
    current: bool


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
    authenticator, transactions = _parts(request)
    token = await issue_token(wanted, await principal_of(request), authenticator, transactions)
    return ok({"token": token})


@operation(
    "List tokens",
    ByUseCase(
        "Needs a credential. A login sees all tokens of its primary namespace, an administrator those of a namespace, "
        "any other token itself."
    ),
    PageOf[IssuedTokenModel],
    query=TokensQuery,
)
async def get_tokens(request: Request) -> Response:
    """List tokens that have not expired, never their texts."""
    (authenticator, transactions), caller = _parts(request), await principal_of(request)
    maximum_size = resource(request, TokenPages).maximum_size
    page = parse_page(request, maximum_size, sortable=SORTABLE, default=("created_on",))
    namespace = parse_query(request, TokensQuery).primary_namespace
    async with transactions.database.session() as session:
        rows, count = await list_tokens(session, caller, namespace, page, authenticator.clock())
    return page_envelope([_shape(row, caller) for row in rows], page, count)


@operation(
    "Revoke a token",
    ByUseCase(
        "Needs a credential. A token may revoke itself, a login all tokens of its primary namespace, an administrator "
        "those of a namespace; a digest that is recorded nowhere may be revoked by an administrator of everything."
    ),
    Ack,
    errors={404: "No such token is recorded."},
)
async def delete_token(request: Request) -> Response:
    """Revoke the token of an id, or of the SHA-256 of its text if it has none."""
    (authenticator, transactions), caller = _parts(request), await principal_of(request)
    async with transactions.begin() as transaction:
        await revoke_token(request.path_params["token_id"], caller, transaction, authenticator.clock())
    return ack()


@operation(
    "Revoke the token shown",
    ByUseCase("Needs a credential, which is worth nothing afterwards."),
    Ack,
    errors={409: "The token is predefined: it ends when it is taken out of the configuration."},
)
async def delete_presented_token(request: Request) -> Response:
    """Revoke the token that the request itself shows."""
    (authenticator, transactions), caller = _parts(request), await principal_of(request)
    async with transactions.begin() as transaction:
        await revoke_presented_token(caller, transaction, authenticator.clock())
    return ack()


async def revoke_cookie(request: Request) -> None:
    """Revoke the token that a browser shows by its cookie, if there is one that may be revoked.

    Raises NotAuthorized when a page of somebody else made the browser ask.
    """
    (authenticator, transactions), caller = _parts(request), await principal_of(request)
    if caller.in_cookie and caller.token_id is not None:
        async with transactions.begin() as transaction:
            await revoke_presented_token(caller, transaction, authenticator.clock())


def _parts(request: Request) -> tuple[Authenticator, Transactions]:
    return resource(request, Authenticator), resource(request, Transactions)


def _shape(row: IssuedToken, caller: Principal) -> IssuedTokenModel:
    columns = {name: getattr(row, name) for name in IssuedTokenModel.model_fields if name != "current"}
    return IssuedTokenModel(**columns, current=row.id == caller.token_id)
