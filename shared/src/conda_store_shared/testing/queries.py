"""What a service asks a PostgreSQL database, statement by statement."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from conda_store_shared.db.engine import Database

_BOUNDS = re.compile(r"(BEGIN|COMMIT|ROLLBACK)\b", re.IGNORECASE)


@contextmanager
def recorded_queries(database: Database) -> Iterator[list[str]]:
    """The statements run meanwhile on connections opened meanwhile, but for the bounds of transactions.

    Some are noted a turn of the loop after they were run.
    """
    queries: list[str] = []

    def by_sqlalchemy(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        queries.append(statement)

    def by_the_driver(record: Any) -> None:
        if not _BOUNDS.match(record.query):
            queries.append(record.query)

    def listen(connection: Any, _record: Any) -> None:
        # What SQLAlchemy runs, it prepares first, and of that the driver does not tell.
        connection.driver_connection.add_query_logger(by_the_driver)

    listeners: dict[str, Callable[..., None]] = {"connect": listen, "before_cursor_execute": by_sqlalchemy}
    for name, listener in listeners.items():
        event.listen(database.engine.sync_engine, name, listener)
    try:
        yield queries
    finally:
        for name, listener in listeners.items():
            event.remove(database.engine.sync_engine, name, listener)
