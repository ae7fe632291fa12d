"""Statements that Postgres and SQLite both know, though SQLAlchemy spells them per dialect."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, cast

from sqlalchemy import Boolean, ColumnElement, FromClause, Select, Table, bindparam
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import JSON

from conda_store_shared.db.models.base import Model


async def insert_new(session: AsyncSession, table: type[Model], row: Mapping[str, Any]) -> bool:
    """Insert the row unless it is there already, whatever unique constraint tells so; return whether it was new."""
    connection = await session.connection()
    result = await connection.execute(
        _insert_unless_there(_dialect(session), table.__table__), row, execution_options={"preserve_rowcount": True}
    )
    return bool(result.rowcount)


async def insert_new_from(
    session: AsyncSession, table: type[Model], query: Select[*tuple[Any, ...]], parameters: Mapping[str, Any]
) -> bool:
    """Insert the row that ``query`` finds, unless it is there already; return whether there was one, and new.

    The query is made once, and its columns are named as those of the table.
    """
    connection = await session.connection()
    statement = _insert_from(_dialect(session), table.__table__, query)
    result = await connection.execute(statement, parameters, execution_options={"preserve_rowcount": True})
    return result.rowcount > 0


async def insert_all_new(
    session: AsyncSession, table: type[Model] | Table, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert the rows that are not there already.  All have the same keys."""
    if not rows:
        return
    target = table if isinstance(table, Table) else table.__table__
    # One compiled statement for all rows: a list in VALUES would be compiled anew each time.
    connection = await session.connection()
    await connection.execute(_insert_unless_there(_dialect(session), target), rows)


async def insert_all_new_returning(
    session: AsyncSession, table: type[Model], rows: Sequence[Mapping[str, Any]], *columns: InstrumentedAttribute[Any]
) -> list[tuple[Any, ...]]:
    """As ``insert_all_new``, and return ``columns`` of the rows that were not there."""
    if not rows:
        return []
    connection = await session.connection()
    statement = _insert_returning(_dialect(session), table.__table__, columns)
    return [tuple(row) for row in await connection.execute(statement, rows)]


async def insert_in_bulk(session: AsyncSession, table: type[Model], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert very many rows, by COPY on Postgres; a row that is there already is an error.

    All have the same keys, and the transaction has begun to read.
    """
    if not rows:
        return
    connection = await session.connection()
    if connection.dialect.name != "postgresql":
        await connection.execute(_insert(_dialect(session), table.__table__), rows)
        return
    columns = list(rows[0])
    documents = {key for key in columns if isinstance(table.__table__.c[key].type, JSON)}
    # The driver takes documents as text.
    records = [tuple(json.dumps(row[key]) if key in documents else row[key] for key in columns) for row in rows]
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None  # noqa: S101 - the connection is open
    await driver.copy_records_to_table(table.__tablename__, records=records, columns=columns)


async def upsert_all(
    session: AsyncSession,
    table: type[Model],
    rows: Sequence[Mapping[str, Any]],
    *,
    identity: Sequence[str],
    where: ColumnElement[bool] | None = None,
) -> None:
    """Insert the rows, or change those whose ``identity`` is there already and ``where`` holds.

    All have the same keys.
    """
    if not rows:
        return
    connection = await session.connection()
    statement = _upsert(_dialect(session), table.__table__, tuple(rows[0]), tuple(identity), where)
    await connection.execute(statement, rows)


async def add_to_all(
    session: AsyncSession, table: type[Model], rows: Sequence[Mapping[str, Any]], *, counter: InstrumentedAttribute[int]
) -> None:
    """Insert the rows, or add their ``counter`` to that of the row with the same primary key."""
    if not rows:
        return
    statement = _insert(_dialect(session), table.__table__)
    identity = [column.name for column in table.__table__.primary_key]
    added = {counter.key: counter + statement.excluded[counter.key]}
    connection = await session.connection()
    await connection.execute(statement.on_conflict_do_update(index_elements=identity, set_=added), rows)


def _dialect(session: AsyncSession) -> str:
    return session.get_bind().dialect.name


@cache
def _insert_unless_there(dialect: str, table: FromClause) -> Any:
    # Made once for each table: putting a statement together takes longer than running it.
    return _insert(dialect, table).on_conflict_do_nothing().inline()


@cache
def _insert_from(dialect: str, table: FromClause, query: Select[*tuple[Any, ...]]) -> Any:
    columns = query.selected_columns.keys()
    return _insert(dialect, table).from_select(columns, query).on_conflict_do_nothing().inline()


@cache
def _insert_returning(dialect: str, table: FromClause, columns: tuple[InstrumentedAttribute[Any], ...]) -> Any:
    return _insert(dialect, table).on_conflict_do_nothing().returning(*columns)


@cache
def _upsert(
    dialect: str, table: FromClause, keys: tuple[str, ...], identity: tuple[str, ...], where: ColumnElement[bool] | None
) -> Any:
    statement = _insert(dialect, table)
    values = {key: statement.excluded[key] for key in keys if key not in identity}
    return statement.on_conflict_do_update(index_elements=identity, set_=values, where=where).inline()


def _insert(dialect: str, table: FromClause) -> Any:
    insert = postgres_insert if dialect == "postgresql" else sqlite_insert
    return insert(table)  # type: ignore[arg-type]


def is_any_of(
    column: ColumnElement[Any] | InstrumentedAttribute[Any], values: str | Sequence[Any]
) -> ColumnElement[bool]:
    """Condition: the column is one of ``values``, or of those in the parameter of that name: one parameter in any case.

    Unlike ``in_`` it makes one statement of lists of all lengths.
    """
    kind = JSON().with_variant(ARRAY(column.type), "postgresql")
    known = bindparam(values, type_=kind) if isinstance(values, str) else bindparam(None, list(values), type_=kind)
    return cast("ColumnElement[bool]", _IsAnyOf(column, known))


class _IsAnyOf(FunctionElement[bool]):
    type = Boolean()
    inherit_cache = True


@compiles(_IsAnyOf)
def _in_array(element: _IsAnyOf, compiler: SQLCompiler, **rest: Any) -> str:
    column, numbers = (compiler.process(each, **rest) for each in element.clauses)
    return f"{column} = ANY ({numbers})"


@compiles(_IsAnyOf, "sqlite")
def _in_json(element: _IsAnyOf, compiler: SQLCompiler, **rest: Any) -> str:
    column, numbers = (compiler.process(each, **rest) for each in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({numbers}))"  # noqa: S608 - both are compiled already
