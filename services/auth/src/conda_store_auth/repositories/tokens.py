"""Rows of tokens."""

from datetime import datetime

from sqlalchemy import or_, update
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_auth.domain.token_kind import TokenKind
from conda_store_shared.contracts.events import TokenUsed
from conda_store_shared.db.models import IssuedToken
from conda_store_shared.db.moments import naive
from conda_store_shared.db.statements import insert_new
from conda_store_shared.web.tokens import Token


def add_token(session: AsyncSession, token: Token, kind: TokenKind, *, name: str | None = None, now: datetime) -> None:
    """Record a token that is being issued; it has an id."""
    session.add(
        IssuedToken(
            id=token.token_id,
            kind=kind,
            name=name,
            primary_namespace=token.primary_namespace,
            created_on=naive(now),
            expires_on=naive(token.expiration),
        )
    )


async def touch_token(session: AsyncSession, event: TokenUsed) -> bool:
    """Note a use of a token, if it is the newest; return whether anything was noted."""
    used = naive(event.used_at)
    result = await session.execute(
        update(IssuedToken)
        .where(IssuedToken.id == event.token_id)
        .where(or_(IssuedToken.last_used_on.is_(None), IssuedToken.last_used_on < used))
        .values(last_used_on=used)
    )
    return bool(result.rowcount)  # type: ignore[attr-defined]


async def add_foreign_token(session: AsyncSession, event: TokenUsed) -> None:
    """Record a token that was not issued here, unless it is recorded."""
    row = {
        "id": event.token_id,
        "kind": TokenKind.FOREIGN,
        "primary_namespace": event.primary_namespace,
        "created_on": naive(event.used_at),
        "expires_on": naive(event.expires_at),
        "last_used_on": naive(event.used_at),
    }
    await insert_new(session, IssuedToken, row)
