"""Tokens that were handed out; never the tokens themselves."""

from datetime import datetime

from sqlalchemy import Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from conda_store_shared.db.models.base import Model

_REVOKED = text("revoked_on IS NOT NULL")


class IssuedToken(Model):
    """A token by its ``jti``, or by the SHA-256 of its text if it has none.

    ``kind`` tells what it was made for; ``expires_on`` is missing when nobody but the token can tell it.
    """

    __tablename__ = "token"
    __table_args__ = (
        Index("ix_token_primary_namespace_created_on", "primary_namespace", "created_on"),
        Index("ix_token_expires_on", "expires_on"),
        Index("ix_token_revoked_on", "revoked_on", postgresql_where=_REVOKED, sqlite_where=_REVOKED),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    name: Mapped[str | None] = mapped_column(String(255))
    primary_namespace: Mapped[str] = mapped_column(String(255))
    created_on: Mapped[datetime]
    expires_on: Mapped[datetime | None]
    last_used_on: Mapped[datetime | None]
    revoked_on: Mapped[datetime | None]
