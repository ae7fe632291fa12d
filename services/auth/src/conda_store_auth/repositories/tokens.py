"""Rows of tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from conda_store_auth.domain.token_kind import TokenKind
from conda_store_shared.contracts.events import TokenUsed
from conda_store_shared.db.models import IssuedToken
from conda_store_shared.db.moments import naive
from conda_store_shared.db.statements import insert_new
from conda_store_shared.web.pagination import Page
from conda_store_shared.web.tokens import Token

_SORTED_BY = {
    "name": IssuedToken.name,
    "created_on": IssuedToken.created_on,
    "expires_on": IssuedToken.expires_on,
    "last_used_on": IssuedToken.last_used_on,
}
SORTABLE = frozenset(_SORTED_BY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose tokens: those of a namespace for its administrators and for its logins, else the presented one alone."""

    namespace: str
    presented: str | None
    administers: bool


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


async def list_tokens(
    session: AsyncSession, owner: Owner, page: Page, now: datetime
) -> tuple[Sequence[IssuedToken], int]:
    """Return one page of the tokens that have not expired, revoked ones included, and how many there are."""
    query = select(IssuedToken).where(_unexpired(now), _is_of(owner))
    count = await session.scalar(select(func.count()).select_from(query.subquery()))
    columns = [_SORTED_BY[key] for key in page.sort_by]
    order = [column.desc() if page.descending else column.asc() for column in (*columns, IssuedToken.id)]
    rows = await session.scalars(query.order_by(*order).limit(page.size).offset(page.offset))
    return rows.all(), count or 0


async def find_token(session: AsyncSession, identifier: str) -> IssuedToken | None:
    """Return the row of a token."""
    return await session.get(IssuedToken, identifier)


async def may_manage(session: AsyncSession, owner: Owner) -> bool:
    """Whether all tokens of the namespace are the caller's to manage."""
    return owner.administers or bool(await session.scalar(select(_is_login(owner))))


async def revoke(session: AsyncSession, identifier: str, now: datetime) -> bool:
    """Revoke a token; return whether it was good until now."""
    result = await session.execute(
        update(IssuedToken)
        .where(IssuedToken.id == identifier, IssuedToken.revoked_on.is_(None))
        .values(revoked_on=naive(now))
    )
    return bool(result.rowcount)  # type: ignore[attr-defined]


async def add_revoked_token(
    session: AsyncSession, identifier: str, *, namespace: str, expiration: datetime | None, now: datetime
) -> bool:
    """Record that a token which was not recorded is revoked; return whether that is new."""
    row = {
        "id": identifier,
        "kind": TokenKind.FOREIGN,
        "primary_namespace": namespace,
        "created_on": naive(now),
        "expires_on": None if expiration is None else naive(expiration),
        "revoked_on": naive(now),
    }
    return await insert_new(session, IssuedToken, row)


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


async def delete_expired_tokens(session: AsyncSession, before: datetime) -> int:
    """Delete the rows of tokens that expired before a moment (naive UTC); return how many there were."""
    result = await session.execute(delete(IssuedToken).where(IssuedToken.expires_on < before))
    return int(result.rowcount)  # type: ignore[attr-defined]


def _unexpired(now: datetime) -> ColumnElement[bool]:
    return or_(IssuedToken.expires_on.is_(None), IssuedToken.expires_on > naive(now))


def _is_of(owner: Owner) -> ColumnElement[bool]:
    of_namespace = IssuedToken.primary_namespace == owner.namespace
    if owner.administers:
        return of_namespace
    return or_(IssuedToken.id == owner.presented, and_(of_namespace, _is_login(owner)))


def _is_login(owner: Owner) -> Any:
    presented = aliased(IssuedToken)
    return exists().where(
        presented.id == owner.presented,
        presented.kind == TokenKind.LOGIN,
        presented.primary_namespace == owner.namespace,
    )
