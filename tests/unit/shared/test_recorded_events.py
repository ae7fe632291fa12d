"""What a test run records is held against the catalogue of public events, and the check can fail."""

from pathlib import Path

import pytest

from conda_store_shared.db import migrate
from conda_store_shared.db.engine import Database
from conda_store_shared.db.models import PublicEvent
from conda_store_shared.domain.public_event import PublicEventType
from conda_store_shared.testing.public_events import NOON, an_event
from conda_store_shared.testing.recorded_events import BrokenPromise, EventWatch, check_recorded_events, problems_of
from conda_store_shared.transaction import Transactions


def a_row(event: PublicEvent, **changes: object) -> dict[str, object]:
    """An event as a row of the log."""
    place = {"namespace": event.namespace, "environment": event.environment, "build_id": event.build_id}
    return {"type": event.type, **place, "data": event.data, **changes}


@pytest.mark.parametrize("kind", PublicEventType)
def test_event_of_each_type_is_as_promised_when_it_has_what_it_needs(kind: PublicEventType) -> None:
    assert problems_of(a_row(an_event(kind))) == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"data": {"build_key": "k"}}, "'size' is a required property"),
        ({"data": {"build_key": "k", "size": "1"}}, "'1' is not of type 'integer'"),
        ({"data": {"build_key": "k", "size": 1, "password": "x"}}, "'password' was unexpected"),
        ({"build_id": None}, "None is not of type 'integer'"),
        ({"type": "build.exploded"}, "there is no such type"),
    ],
)
def test_check_tells_what_is_wrong_with_an_event(changes: dict[str, object], problem: str) -> None:
    [told] = problems_of(a_row(an_event(), **changes))
    assert problem in told


async def test_check_sees_what_any_engine_of_the_run_writes(tmp_path: Path, event_watch: EventWatch) -> None:
    url = f"sqlite:///{tmp_path / 'log.sqlite'}"
    async with Database(url) as database:
        await migrate.upgrade(database)
        seen = event_watch.seen
        async with Transactions(database, "api").begin() as transaction:
            transaction.record(an_event())
            transaction.record(PublicEvent(type="build.completed", time=NOON, namespace="team", data={}))
    assert event_watch.seen == seen + 2
    assert {problem.partition(": ")[0] for problem in event_watch.problems} == {"build.completed"}
    event_watch.problems.clear()
    with pytest.raises(BrokenPromise, match="'build_key' is a required property"):
        check_recorded_events(url)
