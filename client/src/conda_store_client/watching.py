"""What happens on a server, as it happens: its public events."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin

from conda_store_client.answers import field
from conda_store_client.connection import Connection
from conda_store_client.errors import ClientError, UnexpectedAnswer
from conda_store_client.event_stream import EventStream, NoStream
from conda_store_client.sizes import format_size

_LIST, _STREAM = "/api/v1/event/", "/api/v1/event/stream/"
_RESET = "reset"
_TYPE = re.compile(r"^conda-store\.events\.(?P<name>.+)\.v\d+$")
# What a line says elsewhere, or not at all.
_NOT_TOLD = ("namespace", "environment", "build_id", "build_key", "links")
_LONGEST_FIELD = 100

Filters = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Happened:
    """A public event: as JSON on one line, and as a CloudEvent; or a remark about the stream itself."""

    text: str = ""
    event: Mapping[str, Any] | None = None
    remark: str = ""


def watch(connection: Connection, filters: Filters, cursor: str) -> Iterator[Happened]:
    """Return what happens after the event ``cursor`` (empty: from now on), for ever.

    A server that goes away meanwhile is waited for.  Raises ClientError when it has no such stream.
    """
    remarks: list[str] = []
    # The cursor is where the stream begins; where it goes on is known to it.
    stream = EventStream(connection, _STREAM, filters, last_id=cursor, tell=remarks.append)
    try:
        for frame in stream.frames():
            yield from (Happened(remark=f"{remark}; trying again") for remark in remarks)
            remarks.clear()
            value = _parsed(frame.data)
            if frame.event == _RESET:
                yield Happened(remark=_told_of_reset(connection, value))
            elif "specversion" in value:
                yield Happened(text=json.dumps(value, ensure_ascii=False), event=value)
    except NoStream as none:
        raise none.told_as(f"cannot watch {connection.url}") from None


def cursor_before(connection: Connection, filters: Filters, moment: datetime) -> str:
    """Return the id of the last event before a moment, 0 when there is none; raises ClientError."""
    for event in connection.get_rows(_LIST, filters):
        if _moment(field(event, "time", str)) < moment:
            return field(event, "id", str)
    return "0"


def line_of(event: Mapping[str, Any]) -> str:
    """An event on a line for people: when, what, where, and what else is known of it."""
    data = event.get("data")
    told = data if isinstance(data, Mapping) else {}
    moment = _moment(field(event, "time", str)).astimezone()
    parts = [
        f"{moment:%Y-%m-%d %H:%M:%S}",
        f"{name_of(field(event, 'type', str)):<34}",
        str(event.get("subject") or ""),
        f"build {told['build_id']}" if told.get("build_id") else "",
        *(f"{name}={_shown(name, value)}" for name, value in told.items() if name not in _NOT_TOLD and value),
        f"by {event['actor']}" if event.get("actor") else "",
    ]
    return "  ".join(part for part in parts if part)


def name_of(cloud_event_type: str) -> str:
    """The name of a type without what all have in common: ``build.completed``."""
    match = _TYPE.match(cloud_event_type)
    return match["name"] if match else cloud_event_type


def _shown(name: str, value: object) -> str:
    if name == "size" and isinstance(value, int):
        return format_size(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    line = (text.splitlines() or [""])[0]
    return line if len(line) <= _LONGEST_FIELD else f"{line[:_LONGEST_FIELD]}…"


def _told_of_reset(connection: Connection, value: Mapping[str, Any]) -> str:
    snapshot = value.get("snapshot")
    there = f"; what is there now: {urljoin(connection.url, snapshot)}" if isinstance(snapshot, str) else ""
    return f"the server no longer has the events in between; going on with those after them{there}"


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UnexpectedAnswer(f"the server's event has no time: {text!r}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _parsed(text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ClientError("the server's stream has an event that is no CloudEvent", text[:_LONGEST_FIELD])
    return value
