"""Rows for lists, read by the driver itself: a session would take longer than the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import asyncpg
from sqlalchemy import Dialect, Select
from sqlalchemy.ext.asyncio import AsyncConnection

Row = Sequence[Any]
AnySelect = Select[*tuple[Any, ...]]


class Reader:
    """Runs SELECTs on one connection, each with what is committed when it begins.

    A statement is compiled once: keep it, and change nothing but its parameters, which are texts, numbers and moments.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def rows(self, statement: AnySelect, **parameters: Any) -> Sequence[Row]:
        """Return all rows as tuples of the columns; raises what the driver raises."""
        if self._connection.dialect.driver != "asyncpg":
            return (await self._connection.execute(statement, parameters)).all()
        compiled = _compiled(statement, self._connection.dialect)
        driver = (await self._connection.get_raw_connection()).driver_connection
        assert isinstance(driver, asyncpg.Connection)  # noqa: S101 - the dialect says so
        try:
            records = await driver.fetch(compiled.text, *compiled.values(parameters))
        except BaseException as error:
            # After a refusal it is as good as before; after anything else nobody knows.
            if not isinstance(error, asyncpg.PostgresError) or driver.is_closed():
                await self._connection.invalidate()
            raise
        return compiled.decoded(records)

    async def value(self, statement: AnySelect, **parameters: Any) -> Any:
        """Return the first column of the first row, None when there is none."""
        rows = await self.rows(statement, **parameters)
        return rows[0][0] if rows else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compiled:
    """A statement as the driver takes it; ``decoders`` of columns by their place."""

    text: str
    names: Sequence[str]
    defaults: dict[str, Any]
    decoders: Sequence[tuple[int, Any]]

    def values(self, parameters: dict[str, Any]) -> list[Any]:
        values = {**self.defaults, **parameters}
        return [values[name] for name in self.names]

    def decoded(self, records: Sequence[Row]) -> Sequence[Row]:
        if not self.decoders:
            return records
        rows = [list(record) for record in records]
        for place, decode in self.decoders:
            for row in rows:
                row[place] = decode(row[place])
        return rows


@lru_cache(maxsize=512)
def _compiled(statement: AnySelect, dialect: Dialect) -> _Compiled:
    compiled = statement.compile(dialect=dialect)
    types = (column.type.dialect_impl(dialect) for column in statement.selected_columns)
    decoders = ((place, kind.result_processor(dialect, None)) for place, kind in enumerate(types))
    return _Compiled(
        text=compiled.string,
        names=tuple(compiled.positiontup or ()),
        defaults=dict(compiled.params),
        decoders=[(place, decode) for place, decode in decoders if decode is not None],
    )
