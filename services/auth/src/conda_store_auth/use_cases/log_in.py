"""Credentials in, signed token out."""

from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from conda_store_auth.ports import Credentials, IdentityProvider
from conda_store_shared.domain.names import namespace_name
from conda_store_shared.web.authentication import TOKEN_LIFETIME
from conda_store_shared.web.tokens import Token, TokenSigner


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedToken:
    """A token as text, and when it stops being one."""

    text: str
    expiration: datetime


async def log_in(
    credentials: Credentials, *, provider: IdentityProvider, signer: TokenSigner, now: datetime
) -> SignedToken:
    """Return a token for whoever ``provider`` finds behind the credentials.

    Raises NotAuthenticated, or InvalidName for a name that cannot be a namespace.
    """
    identity = await provider.identify(credentials)
    token = Token(
        expiration=now + TOKEN_LIFETIME,
        primary_namespace=namespace_name(identity.username),
        bindings=identity.bindings,
        token_id=uuid4().hex,
    )
    return SignedToken(text=signer.sign(token), expiration=token.expiration)
