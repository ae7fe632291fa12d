"""Rows for lists, read by the driver itself: a session would take longer than the database."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, cast

import asyncpg
from sqlalchemy import Dialect, PoolProxiedConnection, Select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.util import greenlet_spawn

Row = Sequence[Any]
AnySelect = Select[*tuple[Any, ...]]


class Reader(ABC):
    """Runs SELECTs on one connection, each with what is committed when it begins.

    A statement is compiled once: keep it, and change nothing but its parameters, which are texts, numbers and moments.
    """

    # Whether a subquery in FROM may look at what stands before it.
    has_lateral: ClassVar[bool] = False

    @abstractmethod
    async def rows(self, statement: AnySelect, **parameters: Any) -> Sequence[Row]:
        """Return all rows as tuples of the columns; raises what the driver raises."""

    async def value(self, statement: AnySelect, **parameters: Any) -> Any:
        """Return the first column of the first row, None when there is none."""
        rows = await self.rows(statement, **parameters)
        return rows[0][0] if rows else None


class PlainReader(Reader):
    """Reads as everybody does."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def rows(self, statement: AnySelect, **parameters: Any) -> Sequence[Row]:
        return (await self._connection.execute(statement, parameters)).all()


class PostgresReader(Reader):
    """Reads by asyncpg itself, without transactions."""

    has_lateral = True

    def __init__(self, connection: PoolProxiedConnection, dialect: Dialect) -> None:
        self._connection = connection
        self._dialect = dialect
        self._driver = cast("asyncpg.Connection", connection.driver_connection)

    async def rows(self, statement: AnySelect, **parameters: Any) -> Sequence[Row]:
        compiled = _compiled(statement, self._dialect)
        try:
            records = await self._driver.fetch(compiled.text, *compiled.values(parameters))
        except BaseException as error:
            # After a refusal it is as good as before; after anything else nobody knows.
            if not isinstance(error, asyncpg.PostgresError) or self._driver.is_closed():
                await greenlet_spawn(self._connection.invalidate)
            raise
        return compiled.decoded(records)

    async def close(self) -> None:
        """Give the connection back to its pool."""
        await greenlet_spawn(self._connection.close)


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
