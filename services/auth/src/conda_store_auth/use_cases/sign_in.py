"""A person in, a recorded and signed token out."""

from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from conda_store_auth.domain.token_kind import TokenKind
from conda_store_auth.ports import Identity
from conda_store_auth.repositories.tokens import add_token
from conda_store_shared.domain.names import namespace_name
from conda_store_shared.transaction import Transactions
from conda_store_shared.web.authentication import Authenticator
from conda_store_shared.web.tokens import TOKEN_LIFETIME, Token


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedToken:
    """A token as text, and when it stops being one."""

    text: str
    expiration: datetime


async def sign_in(identity: Identity, authenticator: Authenticator, transactions: Transactions) -> SignedToken:
    """Return a token for somebody a provider vouches for.

    Raises InvalidName for a name that cannot be a namespace, DatabaseUnavailable while no token can be recorded.
    """
    now = authenticator.clock()
    longest = now + TOKEN_LIFETIME
    token = Token(
        expiration=min(longest, identity.expiration or longest),
        primary_namespace=namespace_name(identity.username),
        bindings=identity.bindings,
        token_id=uuid4().hex,
    )
    async with transactions.begin() as transaction:
        add_token(transaction.session, token, TokenKind.LOGIN, now=now)
    return SignedToken(text=authenticator.signer.sign(token), expiration=token.expiration)
