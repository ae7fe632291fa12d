"""A token that is worth nothing any more, on every service within seconds."""

import re
from datetime import datetime

from conda_store_auth.repositories import tokens
from conda_store_auth.use_cases.list_tokens import owner_of
from conda_store_shared.contracts.events import TokenRevoked
from conda_store_shared.db.models import IssuedToken
from conda_store_shared.errors import Conflict, NotAuthorized, NotFound
from conda_store_shared.transaction import Transaction
from conda_store_shared.web.authentication import Principal
from conda_store_shared.web.token_reader import IDENTIFIER

_DIGEST = re.compile(r"[0-9a-f]{64}")


async def revoke_presented_token(caller: Principal, transaction: Transaction, now: datetime) -> None:
    """Revoke the token that the caller shows; raises NotAuthorized for the anonymous, Conflict for a predefined one."""
    if not caller.authenticated:
        raise NotAuthorized("request not authorized")
    if caller.token_id is None:
        raise Conflict("a predefined token ends when it is taken out of AuthenticationBackend.predefined_tokens")
    await revoke_token(caller.token_id, caller, transaction, now)


async def revoke_token(identifier: str, caller: Principal, transaction: Transaction, now: datetime) -> None:
    """Revoke a token by its id, or by the SHA-256 of its text if it has none; doing so twice changes nothing.

    A token may always revoke itself.  Others of a namespace may be revoked by its logins and administrators, digests
    that are recorded nowhere by administrators of everything.  Raises NotFound and NotAuthorized.
    """
    session = transaction.session
    known = await tokens.find_token(session, identifier) if IDENTIFIER.fullmatch(identifier) else None
    if known is None:
        is_new = await _revoke_unknown(identifier, caller, transaction, now)
    else:
        await _check(known, caller, transaction)
        is_new = await tokens.revoke(session, identifier, now)
    if is_new:
        transaction.publish(TokenRevoked(token_id=identifier))


async def _check(known: IssuedToken, caller: Principal, transaction: Transaction) -> None:
    owner = owner_of(caller, known.primary_namespace)
    if known.id != caller.token_id and not await tokens.may_manage(transaction.session, owner):
        raise NotAuthorized("request not authorized")


async def _revoke_unknown(identifier: str, caller: Principal, transaction: Transaction, now: datetime) -> bool:
    presented, everything = identifier == caller.token_id, owner_of(caller, "")
    # An id that was mistyped is told; a digest may be that of a token of another server, which nobody has shown yet.
    if not presented and not (_DIGEST.fullmatch(identifier) and everything.administers):
        raise NotFound("token does not exist")
    return await tokens.add_revoked_token(
        transaction.session,
        identifier,
        namespace=caller.primary_namespace if presented else "",
        expiration=caller.expiration if presented else None,
        now=now,
    )
