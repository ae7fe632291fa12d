"""The tokens that are the caller's to see, and to revoke."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_auth.repositories import tokens
from conda_store_auth.repositories.tokens import Owner
from conda_store_shared.db.models import IssuedToken
from conda_store_shared.domain.permission import Permission
from conda_store_shared.errors import NotAuthorized
from conda_store_shared.web.authentication import Principal
from conda_store_shared.web.pagination import Page

# Whoever may take roles in a namespace away may take away the tokens that hold them.
_ADMINISTERS = frozenset({Permission.NAMESPACE_ROLE_MAPPING_DELETE})


def owner_of(caller: Principal, namespace: str) -> Owner:
    """Return as whom ``caller`` meets the tokens of a namespace; raises NotAuthorized for the anonymous."""
    if not caller.authenticated:
        raise NotAuthorized("request not authorized")
    return Owner(
        namespace=namespace,
        presented=caller.token_id if namespace == caller.primary_namespace else None,
        administers=caller.may(_ADMINISTERS, namespace, None),
    )


async def list_tokens(
    session: AsyncSession, caller: Principal, namespace: str | None, page: Page, now: datetime
) -> tuple[Sequence[IssuedToken], int]:
    """Return one page of the tokens of ``namespace``, the caller's own by default, and how many there are.

    Raises NotAuthorized for another namespace, unless the caller is an administrator of it.
    """
    owner = owner_of(caller, namespace or caller.primary_namespace)
    if not owner.administers and owner.namespace != caller.primary_namespace:
        raise NotAuthorized(f"the tokens of namespace {owner.namespace!r} are for its administrators to see")
    return await tokens.list_tokens(session, owner, page, now)
