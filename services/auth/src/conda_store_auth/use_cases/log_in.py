"""Credentials in, signed token out."""

from conda_store_auth.ports import Credentials, IdentityProvider
from conda_store_auth.use_cases.sign_in import SignedToken, sign_in
from conda_store_shared.transaction import Transactions
from conda_store_shared.web.authentication import Authenticator


async def log_in(
    credentials: Credentials, provider: IdentityProvider, authenticator: Authenticator, transactions: Transactions
) -> SignedToken:
    """Return a token for whoever ``provider`` finds behind the credentials.

    Raises NotAuthenticated, and what ``sign_in`` raises.
    """
    return await sign_in(await provider.identify(credentials), authenticator, transactions)
