"""Which part of an object a request wants."""

from datetime import UTC, datetime

import pytest

from conda_store_artifacts.routes.conditional_request import Selection, select
from conda_store_shared.storage.object_store import StoredObject

STORED = StoredObject(
    key="logs/a.log", size=100, etag="abc", modified=datetime(2026, 11, 22, 11, 7, 30, 612738, tzinfo=UTC)
)
THEN, BEFORE = "Sun, 22 Nov 2026 11:07:30 GMT", "Sun, 22 Nov 2026 11:07:29 GMT"
WHOLE = Selection(status=200, end=100)


def part(start: int, end: int) -> Selection:
    return Selection(status=206, start=start, end=end)


@pytest.mark.parametrize(
    ("wanted", "selection"),
    [
        ("bytes=0-9", part(0, 10)),
        ("bytes=90-", part(90, 100)),
        ("bytes=90-500", part(90, 100)),
        ("bytes=-7", part(93, 100)),
        ("bytes=-500", part(0, 100)),
        ("BYTES= 5-5 ", part(5, 6)),
        ("bytes=99-99", part(99, 100)),
        ("bytes=100-", Selection(status=416)),
        ("bytes=-0", Selection(status=416)),
        # What is no range we know is answered by the whole.
        ("bytes=5-4", WHOLE),
        ("bytes=-", WHOLE),
        ("bytes=0-1,5-6", WHOLE),
        ("bytes=a-b", WHOLE),
        ("lines=0-9", WHOLE),
        ("bytes=" + "9" * 5000 + "-", WHOLE),
        ("", WHOLE),
    ],
)
def test_range_selects_bytes(wanted: str, selection: Selection) -> None:
    assert select({"range": wanted}, STORED) == selection


def test_range_of_an_empty_object_cannot_be_met() -> None:
    empty = StoredObject(key="logs/a.log", size=0, etag="abc")
    assert select({}, empty) == Selection(status=200)
    assert select({"range": "bytes=0-"}, empty).status == 416


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"if-none-match": '"abc"'}, 304),
        ({"if-none-match": 'W/"abc"'}, 304),
        ({"if-none-match": '"x", "abc"'}, 304),
        ({"if-none-match": "*"}, 304),
        ({"if-none-match": '"x"'}, 200),
        ({"if-none-match": '"x"', "if-modified-since": THEN}, 200),
        ({"if-modified-since": THEN}, 304),
        ({"if-modified-since": BEFORE}, 200),
        ({"if-modified-since": "yesterday"}, 200),
        ({"if-match": '"abc"'}, 200),
        ({"if-match": '"x"'}, 412),
        ({"if-unmodified-since": THEN}, 200),
        ({"if-unmodified-since": BEFORE}, 412),
        ({"range": "bytes=0-9", "if-range": '"abc"'}, 206),
        ({"range": "bytes=0-9", "if-range": '"x"'}, 200),
        ({"range": "bytes=0-9", "if-range": 'W/"abc"'}, 200),
        ({"range": "bytes=0-9", "if-range": THEN}, 206),
        ({"range": "bytes=0-9", "if-range": BEFORE}, 200),
        ({"range": "bytes=0-9", "if-none-match": '"abc"'}, 304),
    ],
)
def test_conditions_decide_the_status(headers: dict[str, str], status: int) -> None:
    assert select(headers, STORED).status == status
