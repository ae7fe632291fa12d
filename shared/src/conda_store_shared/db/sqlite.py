"""SQLite behind asyncio: each statement makes one way to the thread of its connection, and back with all rows.

SQLAlchemy's adapter goes there four times, to open a cursor, to execute, to fetch and to close; that takes longer
than most statements, and each way may wait for its turn on a busy machine.
"""

import sqlite3
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import aiosqlite
from sqlalchemy.connectors.asyncio import AsyncAdapt_dbapi_connection
from sqlalchemy.dialects.sqlite.aiosqlite import (
    AsyncAdapt_aiosqlite_connection,
    AsyncAdapt_aiosqlite_cursor,
    AsyncAdapt_aiosqlite_dbapi,
)
from sqlalchemy.util import await_only


class _Answer(NamedTuple):
    """What a statement left behind."""

    description: Any = None
    rowcount: int = -1
    lastrowid: Any = None


class _Cursor(AsyncAdapt_aiosqlite_cursor):
    """A cursor that is open while a statement is executed, and keeps what that answered."""

    __slots__ = ("_answer",)

    def __init__(self, adapt_connection: AsyncAdapt_dbapi_connection) -> None:
        self._adapt_connection = adapt_connection
        self._connection = adapt_connection._connection
        self._answer = _Answer()
        self._rows = deque()

    @property
    def description(self) -> Any:
        return self._answer.description

    @property
    def rowcount(self) -> int:
        return self._answer.rowcount

    @property
    def lastrowid(self) -> Any:
        return self._answer.lastrowid

    def close(self) -> None:
        self._rows.clear()

    async def _async_soft_close(self) -> None:
        """There is nothing left to close."""

    async def _execute_async(self, operation: Any, parameters: Any) -> None:
        await self._ask(lambda cursor: cursor.execute(operation, () if parameters is None else parameters))

    async def _executemany_async(self, operation: Any, seq_of_parameters: Any) -> None:
        await self._ask(lambda cursor: cursor.executemany(operation, seq_of_parameters))

    async def _ask(self, execute: Callable[[sqlite3.Cursor], Any]) -> None:
        connection = self._connection

        def answer() -> tuple[_Answer, list[Any]]:
            cursor = connection._conn.cursor()
            try:
                execute(cursor)
                rows = cursor.fetchall() if cursor.description else []
                return _Answer(cursor.description, cursor.rowcount, cursor.lastrowid), rows
            finally:
                cursor.close()

        async with self._adapt_connection._execute_mutex:
            self._answer, rows = await connection._execute(answer)
        self._rows = deque(rows)


class _Connection(AsyncAdapt_aiosqlite_connection):
    """A connection with such cursors."""

    __slots__ = ()
    _cursor_cls = _Cursor


class _Driver(AsyncAdapt_aiosqlite_dbapi):
    """aiosqlite with such connections."""

    def connect(self, *arguments: Any, **options: Any) -> AsyncAdapt_aiosqlite_connection:
        connection = self.aiosqlite.connect(*arguments, **options)
        # A process that ends does not wait for a connection that nobody closed.
        connection._thread.daemon = True
        return _Connection(self, await_only(connection))


DRIVER: Any = _Driver(aiosqlite, sqlite3)
