"""What a service asks a PostgreSQL database, statement by statement."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from conda_store_shared.db.engine import Database

_BOUNDS = re.compile(r"(BEGIN|COMMIT|ROLLBACK)\b", re.IGNORECASE)


@contextmanager
def recorded_queries(database: Database) -> Iterator[list[str]]:
    """The statements run meanwhile on connections opened meanwhile, but for the bounds of transactions."""
    queries: list[str] = []

    def note(record: Any) -> None:
        if not _BOUNDS.match(record.query):
            queries.append(record.query)

    def listen(connection: Any, _record: Any) -> None:
        # It is run before the first statement of the connection, though after those that set it up.
        connection.driver_connection.add_query_logger(note)

    event.listen(database.engine.sync_engine, "connect", listen)
    try:
        yield queries
    finally:
        event.remove(database.engine.sync_engine, "connect", listen)
