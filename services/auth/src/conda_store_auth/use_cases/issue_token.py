"""A token for a script: never more than its maker holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

from conda_store_auth.domain.token_kind import TokenKind
from conda_store_auth.repositories.tokens import add_token
from conda_store_shared.domain.permission import RoleBinding
from conda_store_shared.errors import InvalidInput, NotAuthorized
from conda_store_shared.transaction import Transactions
from conda_store_shared.web.authentication import Authenticator, BindingSource, Principal
from conda_store_shared.web.tokens import MAXIMUM_TOKEN_LENGTH, Token, read_bindings, read_expiration

MAXIMUM_BINDINGS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """What is wanted of a token; what is left out is taken from the caller."""

    primary_namespace: str | None = None
    expiration: datetime | None = None
    role_bindings: Mapping[str, Sequence[str]] | None = None
    name: str | None = None


async def issue_token(
    wanted: TokenRequest, caller: Principal, authenticator: Authenticator, transactions: Transactions
) -> str:
    """Return a signed token, which is recorded under its name.

    Raises NotAuthorized for the anonymous and for another primary namespace, InvalidInput for rights or a lifetime
    beyond the caller's.
    """
    if not caller.authenticated or caller.expiration is None:
        raise NotAuthorized("request not authorized")
    if wanted.primary_namespace not in (None, caller.primary_namespace):
        raise NotAuthorized(
            f"tokens for primary_namespace={wanted.primary_namespace!r} are not yours to issue; "
            f"yours is {caller.primary_namespace!r}"
        )
    token = Token(
        expiration=_expiration(wanted, caller.expiration),
        primary_namespace=caller.primary_namespace,
        bindings=_bindings(wanted) or caller.bindings,
        token_id=uuid4().hex,
    )
    holder = await authenticator.principal_of_token(token)
    if not all(holder.permissions_of(binding) <= caller.permissions_over(binding) for binding in _ever(holder)):
        raise InvalidInput("Requested role_bindings are not a subset of current permissions")
    text = authenticator.signer.sign(token)
    if len(text) > MAXIMUM_TOKEN_LENGTH:
        raise InvalidInput(f"the token would be {len(text)} characters long; at most {MAXIMUM_TOKEN_LENGTH} are read")
    async with transactions.begin() as transaction:
        add_token(transaction.session, token, TokenKind.SCRIPT, name=wanted.name or None, now=authenticator.clock())
    return text


def _ever(holder: Principal) -> tuple[RoleBinding, ...]:
    """What the token allows now, and what it will when the rows of the database that replace its own are gone."""
    lasting = dict(holder.sources)
    lasting.pop(BindingSource.DATABASE, None)
    return (*holder.bindings, *replace(holder, sources=lasting).bindings)


def _expiration(wanted: TokenRequest, latest: datetime) -> datetime:
    expiration = latest if wanted.expiration is None else read_expiration(wanted.expiration)
    if expiration > latest:
        raise InvalidInput("Requested expiration of token is greater than current permissions")
    return expiration


def _bindings(wanted: TokenRequest) -> tuple[RoleBinding, ...]:
    requested = wanted.role_bindings or {}
    if len(requested) > MAXIMUM_BINDINGS:
        raise InvalidInput(f"{len(requested)} role_bindings; a token holds at most {MAXIMUM_BINDINGS}")
    return read_bindings(requested)
