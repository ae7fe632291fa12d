"""Tokens that are worth nothing though they have not expired."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_shared.db.models import IssuedToken


async def list_revoked_tokens(session: AsyncSession, now: datetime, since: datetime | None = None) -> Sequence[str]:
    """Return the identifiers of tokens revoked (``since`` a moment) that would still count at ``now``."""
    counting = or_(IssuedToken.expires_on.is_(None), IssuedToken.expires_on > now)
    revoked = IssuedToken.revoked_on.is_not(None) if since is None else IssuedToken.revoked_on >= since
    rows = await session.scalars(select(IssuedToken.id).where(revoked, counting))
    return rows.all()
