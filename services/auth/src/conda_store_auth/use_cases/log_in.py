"""Proof of who somebody is in, signed token out."""

from typing import TypeVar

from conda_store_auth.ports import IdentityProvider
from conda_store_auth.use_cases.sign_in import SignedToken, sign_in
from conda_store_shared.transaction import Transactions
from conda_store_shared.web.authentication import Authenticator

Shown = TypeVar("Shown")


async def log_in(
    proof: Shown, provider: IdentityProvider[Shown], authenticator: Authenticator, transactions: Transactions
) -> SignedToken:
    """Return a token for whoever ``provider`` finds behind the proof.

    Raises NotAuthenticated, NotAuthorized, ProviderUnavailable, and what ``sign_in`` raises.
    """
    return await sign_in(await provider.identify(proof), authenticator, transactions)
