"""Rows for every table, so that a migration meets data wherever it goes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Enum, Table, func, inspect, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from conda_store_shared.db.models import Model

ROWS = 3
# Above those that tables number themselves.
_FIRST = 1000
_OF_TYPE: Mapping[type, Any] = {
    datetime: datetime(2026, 11, 26, 12),
    dict: {"a": [1]},
    list: ["a"],
    bytes: b"\0a",
    bool: True,
    float: 0.5,
}


async def fill_tables(connection: AsyncConnection) -> None:
    """Add ``ROWS`` rows to each table, which refer to one another."""
    done: set[Table] = set()
    for table in Model.metadata.sorted_tables:
        done.add(table)
        for number in range(_FIRST, _FIRST + ROWS):
            await connection.execute(table.insert().values({c.name: _value(c, number, done) for c in table.columns}))


async def count_rows(connection: AsyncConnection) -> Mapping[str, int]:
    """How many rows each table has that there is."""
    names = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    return {
        name: await connection.scalar(select(func.count()).select_from(text(f'"{name}"'))) or 0
        for name in names
        if name != "alembic_version"
    }


def _value(column: Column[Any], number: int, done: set[Table]) -> object:
    """A value that is another in each row; None only for what refers to a row that comes later."""
    if any(key.column.table not in done for key in column.foreign_keys):
        return None
    kind = column.type.python_type
    if kind in _OF_TYPE:
        return _OF_TYPE[kind]
    if kind is int:
        return number
    return column.type.enums[0] if isinstance(column.type, Enum) else str(number)
