"""The log of a build as it is written: by the server's stream, or by asking again where it has none."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from conda_store_client.answers import field
from conda_store_client.builds import LogReader, find_build
from conda_store_client.connection import Connection
from conda_store_client.errors import RequestRefused, ServerUnavailable, UnexpectedAnswer
from conda_store_client.event_frames import Frame
from conda_store_client.event_stream import EventStream, NoStream
from conda_store_client.following import follow

_LOG, _STAGE, _END = "log", "stage", "end"
_DELETED = "deleted"
_AS_USUAL = ("running", "done")


@dataclass(frozen=True, slots=True)
class LogNews:
    """Text of the log, and what is worth a remark beside it; either may be empty."""

    text: str = ""
    remark: str = ""


def follow_log(connection: Connection, build_id: int) -> Iterator[LogNews]:
    """Return the log of a build until nothing more comes; a server that goes away meanwhile is waited for."""
    find_build(connection, build_id)
    try:
        yield from _streamed(connection, build_id)
    except (NoStream, ServerUnavailable):
        # Raised before anything was told.
        for progress in follow(connection, build_id):
            yield LogNews(text=progress.log, remark=progress.trouble)


def read_log_at_once(connection: Connection, build_id: int) -> Iterator[str]:
    """Return the log of a build as far as it was written."""
    log = LogReader(connection, build_id)
    is_empty = True
    while text := log.read():
        is_empty = False
        yield text
    if is_empty:
        yield _stored(connection, build_id)


def _streamed(connection: Connection, build_id: int) -> Iterator[LogNews]:
    remarks: list[str] = []
    stream = EventStream(connection, _path(build_id), {"follow": "1"}, tell=remarks.append)
    is_empty = True
    for frame in stream.frames():
        yield from (LogNews(remark=f"{remark}; trying again") for remark in remarks)
        remarks.clear()
        if frame.event == _END:
            if _fields(frame).get("reason") == _DELETED:
                yield LogNews(remark=f"build {build_id} was deleted")
            break
        if news := _news(frame):
            is_empty = is_empty and not news.text
            yield news
    if is_empty:
        yield LogNews(text=_stored(connection, build_id))


def _news(frame: Frame) -> LogNews | None:
    if frame.event == _LOG:
        return LogNews(text=field(_fields(frame), "text", str))
    if frame.event == _STAGE:
        mark = _fields(frame)
        stage, attempt, state = field(mark, "stage", str), field(mark, "attempt", int), field(mark, "state", str)
        if attempt > 1 or state not in _AS_USUAL:
            return LogNews(remark=f"{stage}, attempt {attempt}: {state}")
    return None


def _fields(frame: Frame) -> dict[str, Any]:
    try:
        fields = json.loads(frame.data)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise UnexpectedAnswer(f"the server's stream has an event {frame.event!r} that is no JSON object")
    return fields


def _stored(connection: Connection, build_id: int) -> str:
    """The log that a build of another server brought with it as a whole; empty when there is none."""
    try:
        return connection.get(_path(build_id)).text
    except RequestRefused as refusal:
        if refusal.status == httpx.codes.NOT_FOUND:
            return ""
        raise


def _path(build_id: int) -> str:
    return f"/api/v1/build/{build_id}/logs/"
