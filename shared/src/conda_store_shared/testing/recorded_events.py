"""The pytest plugin that holds every public event recorded in a test run against what is promised of its type."""

import asyncio
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from sqlalchemy import Connection, Engine, Executable, Insert, event, select

from conda_store_shared.contracts.event_schema import cloud_event_schema, recorded_schema
from conda_store_shared.contracts.public_events import PAYLOADS
from conda_store_shared.db.engine import Database
from conda_store_shared.db.models import PublicEvent
from conda_store_shared.domain.public_event import PublicEventType

COLUMNS = ("type", "namespace", "environment", "build_id", "data")


class BrokenPromise(AssertionError):
    """Public events were recorded that are not what the reference says."""


@cache
def _validator(kind: str) -> Draft202012Validator:
    # Readers allow for fields that a later release adds; this one knows all of them.
    return Draft202012Validator({**recorded_schema(PublicEventType(kind)), "additionalProperties": False})


def problems_of(row: Mapping[str, Any]) -> list[str]:
    """What is wrong with a row of the log of events."""
    kind = row["type"]
    if kind not in PAYLOADS:
        return [f"{kind}: there is no such type"]
    place = {"namespace": row["namespace"] or None, "environment": row["environment"], "build_id": row["build_id"]}
    told = {**place, **row["data"]}
    return [f"{kind}: {error.json_path}: {error.message}" for error in _validator(kind).iter_errors(told)]


def problems_of_event(event: Mapping[str, Any]) -> list[str]:
    """What is wrong with an event as readers have it."""
    kinds = {kind.cloud_event_type: kind for kind in PublicEventType}
    if event["type"] not in kinds:
        return [f"{event['type']}: there is no such type"]
    validator = Draft202012Validator(cloud_event_schema(kinds[event["type"]]))
    return [f"{event['type']}: {error.json_path}: {error.message}" for error in validator.iter_errors(event)]


class EventWatch:
    """Sees every event that this process writes."""

    def __init__(self) -> None:
        self.seen = 0
        self.problems: list[str] = []

    def look(
        self, _connection: Connection, statement: Executable, many: Sequence[Mapping[str, Any]], one: Any, _options: Any
    ) -> None:
        """Look at a statement that is about to be executed, as SQLAlchemy shows it."""
        if isinstance(statement, Insert) and statement.table is PublicEvent.__table__:
            # Rows that stand in the statement itself are made up, to fill a table.
            for row in filter(None, many or [one]):
                self.seen += 1
                self.problems += problems_of({**dict.fromkeys(COLUMNS), **row})


WATCH = pytest.StashKey[EventWatch]()


def pytest_configure(config: pytest.Config) -> None:
    """Watch whatever engines there will be."""
    watch = config.stash[WATCH] = EventWatch()
    event.listen(Engine, "before_execute", watch.look)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Watch no more."""
    event.remove(Engine, "before_execute", config.stash[WATCH].look)


@pytest.fixture(autouse=True)
def event_watch(pytestconfig: pytest.Config) -> Iterator[EventWatch]:
    """Fail the test that records an event which is not as promised."""
    watch = pytestconfig.stash[WATCH]
    watch.problems.clear()
    yield watch
    if watch.problems:
        raise BrokenPromise("\n".join(watch.problems))


def check_recorded_events(url: str) -> int:
    """Look through the log of events in a database that other processes have written; return how many there are.

    Raises BrokenPromise.
    """
    rows = _rows_of_sqlite(Path(url.removeprefix("sqlite:///"))) if url.startswith("sqlite:") else _rows_apart(url)
    problems = [problem for row in rows for problem in problems_of(row)]
    if problems:
        raise BrokenPromise("\n".join(problems))
    return len(rows)


def _rows_of_sqlite(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute(f"SELECT {', '.join(COLUMNS)} FROM event").fetchall()
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in found]
    return [{**row, "data": json.loads(row["data"])} for row in rows]


def _rows_apart(url: str) -> list[dict[str, Any]]:
    """Read in a thread: the caller may have a loop of its own."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(lambda: asyncio.run(_rows(url))).result()


async def _rows(url: str) -> list[dict[str, Any]]:
    async with Database(url) as database, database.session() as session:
        columns = [getattr(PublicEvent, name) for name in COLUMNS]
        return [dict(row) for row in (await session.execute(select(*columns))).mappings()]
