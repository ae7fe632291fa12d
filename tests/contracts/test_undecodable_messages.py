"""What fits no contract is refused as such, whatever it is, and never crashes its reader."""

import dataclasses
import json
import typing
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conda_store_shared.contracts.envelope import MAXIMUM_BODY, Envelope, decode, type_of
from conda_store_shared.contracts.events import ALL_EVENTS, Event, SolveRequested, StageProgress
from conda_store_shared.errors import UndecodableMessage

pytestmark = pytest.mark.slow

TEXT = st.text(st.characters(codec="utf-8"))
INSTANTS = st.datetimes(timezones=st.just(UTC))
VALUES: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: st.integers(),
    bool: st.booleans(),
    datetime: INSTANTS,
    tuple[str, ...]: st.lists(TEXT).map(tuple),
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
HEADERS = {
    "cloudEvents:id": "1",
    "cloudEvents:source": "/conda-store/api",
    "cloudEvents:type": type_of(SolveRequested),
    "cloudEvents:time": "2026-11-22T09:30:00+00:00",
}
BODY: dict[str, Any] = {"build_id": 1, "build_key": "key", "order_digest": "0" * 64}
OTHER_VALUES: tuple[Any, ...] = (None, {}, 1.5, [1], "not a time", True, "2026-11-22T09:30:00")
FIELDS = [(event, field.name) for event in ALL_EVENTS for field in dataclasses.fields(event)]


def events_of(event: type[Event]) -> st.SearchStrategy[Event]:
    """Any event of a type; fails for a field whose type has no strategy."""
    hints = typing.get_type_hints(event)
    return st.builds(event, **{field.name: VALUES[hints[field.name]] for field in dataclasses.fields(event)})


def a_body(event: type[Event]) -> dict[str, Any]:
    """A body that fits `event`."""
    simple: dict[Any, Any] = {
        str: "x", int: 1, bool: True, datetime: "2026-11-22T09:30:00+00:00", tuple[str, ...]: ["x"],
    }  # fmt: skip
    hints = typing.get_type_hints(event)
    return {field.name: simple[hints[field.name]] for field in dataclasses.fields(event)}


def headers_of(event: type[Event]) -> dict[str, str]:
    return {**HEADERS, "cloudEvents:type": type_of(event)}


@pytest.mark.parametrize("event", ALL_EVENTS, ids=lambda event: event.__name__)
@settings(max_examples=25)
@given(data=st.data())
def test_every_field_survives_the_journey(event: type[Event], data: st.DataObject) -> None:
    envelope = Envelope(
        event=data.draw(events_of(event)),
        message_id=data.draw(TEXT),
        source=data.draw(st.sampled_from(["api", "solver"])),
        time=data.draw(INSTANTS),
        correlation_id=data.draw(TEXT),
        traceparent=data.draw(st.none() | TEXT.filter(bool)),
    )
    message = envelope.encode()
    assert decode(message.headers, message.body) == envelope


@pytest.mark.parametrize(("event", "field"), FIELDS, ids=str)
def test_message_is_undecodable_when_a_field_has_another_type(event: type[Event], field: str) -> None:
    hint = typing.get_type_hints(event)[field]
    for value in OTHER_VALUES:
        if hint in (str, bool) and isinstance(value, hint):
            continue
        with pytest.raises(UndecodableMessage):
            decode(headers_of(event), json.dumps({**a_body(event), field: value}).encode())


@pytest.mark.parametrize("event", ALL_EVENTS, ids=lambda event: event.__name__)
def test_message_is_undecodable_when_a_field_without_default_is_missing(event: type[Event]) -> None:
    for field in dataclasses.fields(event):
        if field.default is not dataclasses.MISSING:
            continue
        body = a_body(event)
        del body[field.name]
        with pytest.raises(UndecodableMessage):
            decode(headers_of(event), json.dumps(body).encode())


@pytest.mark.parametrize("name", HEADERS)
def test_message_is_undecodable_when_a_header_is_missing_or_no_text(name: str) -> None:
    for headers in ({key: value for key, value in HEADERS.items() if key != name}, {**HEADERS, name: 7}):
        with pytest.raises(UndecodableMessage):
            decode(headers, json.dumps(BODY).encode())


@pytest.mark.parametrize("time", ["", "yesterday", "2026-11-22", "2026-11-22T09:30:00", "2026-13-41T00:00:00Z"])
def test_message_is_undecodable_when_its_time_is_no_instant(time: str) -> None:
    with pytest.raises(UndecodableMessage):
        decode({**HEADERS, "cloudEvents:time": time}, json.dumps(BODY).encode())


@pytest.mark.parametrize("kind", ["", "solve.requested", "conda-store.solve.requested.v2", "conda-store.nothing.v1"])
def test_message_is_undecodable_when_its_type_or_version_is_unknown(kind: str) -> None:
    with pytest.raises(UndecodableMessage):
        decode({**HEADERS, "cloudEvents:type": kind}, json.dumps(BODY).encode())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b"\xff\xfe",
        b"\x00" * 100,
        b"[" * 100_000,
        b'{"build_id": ' + b"9" * 10_000 + b"}",
        b" " * (MAXIMUM_BODY + 1),
    ],
    ids=lambda body: f"{body[:12]!r} of {len(body)}",
)
def test_message_is_undecodable_when_its_body_is_no_event(body: bytes) -> None:
    with pytest.raises(UndecodableMessage):
        decode(HEADERS, body)


@given(
    headers=st.dictionaries(st.sampled_from([*HEADERS, "x"]), st.text() | st.integers()),
    body=st.binary() | JSON.map(lambda value: json.dumps(value).encode()),
)
def test_anything_is_decoded_or_undecodable(headers: dict[str, Any], body: bytes) -> None:
    with pytest.raises(UndecodableMessage):
        decode({**HEADERS, "cloudEvents:type": type_of(StageProgress), **headers}, body)
