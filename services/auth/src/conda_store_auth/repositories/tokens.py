"""Rows of tokens."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_auth.domain.token_kind import TokenKind
from conda_store_shared.db.models import IssuedToken
from conda_store_shared.db.moments import naive
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
