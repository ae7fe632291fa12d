"""Statements that Postgres and SQLite both know, though SQLAlchemy spells them per dialect."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_shared.db.models.base import Model

# SQLite allows 32,766 bound values in a statement, Postgres 32,767 with asyncpg.
_ROWS_AT_ONCE = 1000


async def insert_new(
    session: AsyncSession, table: type[Model] | Table, rows: Sequence[Mapping[str, Any]]
) -> int:
    """Insert the rows that are not there yet, whatever unique constraint tells so; return how many were new."""
    insert = postgres_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    new = 0
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        statement = insert(table).values([dict(row) for row in rows[start : start + _ROWS_AT_ONCE]])
        result = await session.execute(statement.on_conflict_do_nothing())
        new += result.rowcount  # type: ignore[attr-defined]
    return new
