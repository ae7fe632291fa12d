"""Streams of events as a reader sees them: from the first frame to the end, whoever brings it about."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from traitlets.config import Config

from conda_store_shared.assembly.process import Process, make_application
from conda_store_shared.bus.memory import MemoryBus
from conda_store_shared.config.server import CondaStoreServer
from conda_store_shared.errors import Unavailable
from conda_store_shared.testing.bus_messages import eventually
from conda_store_shared.testing.stream_reader import StreamReader
from conda_store_shared.web.application import WebOptions, create_application
from conda_store_shared.web.open_streams import open_streams_of
from conda_store_shared.web.operation import Anyone, operation
from conda_store_shared.web.routing import route
from conda_store_shared.web.server_sent_events import EventStream, frame, last_event_id
from conda_store_shared.worker.service import Service


class Written:
    """Sends what a test puts into it; an error is raised, None is the end."""

    def __init__(self, *frames: bytes | Exception | None) -> None:
        self.queue = asyncio.Queue[bytes | Exception | None]()
        self.closed = 0
        for each in frames:
            self.queue.put_nowait(each)

    async def take(self, seconds: float) -> bytes | None:
        """Return what was put in."""
        try:
            async with asyncio.timeout(seconds):
                taken = await self.queue.get()
        except TimeoutError:
            return b""
        if isinstance(taken, Exception):
            raise taken
        return taken

    def close(self) -> None:
        """Count how often it was closed."""
        self.closed += 1


class Endless(StreamReader):
    """A reader that goes on and on with the body of its request."""

    async def receive(self) -> dict[str, Any]:
        """Take a million bytes more."""
        await asyncio.sleep(0)
        return {"type": "http.request", "body": b"x" * 1_000_000, "more_body": True}


def application_of(source: Written, *, streams: int = 10, heartbeat: float = 15.0) -> Starlette:
    @operation("Follow", Anyone())
    async def follow(_request: Request) -> Response:
        return EventStream(source, heartbeat=heartbeat)

    return create_application([route("/", get=follow)], WebOptions(streams=streams))


def test_frame_has_its_id_type_and_data_and_an_empty_line() -> None:
    data = json.dumps({"text": "line\nfeed"}).encode()
    assert frame(data, event_id="7", event="build.completed") == (
        b'id: 7\nevent: build.completed\ndata: {"text": "line\\nfeed"}\n\n'
    )
    assert frame(event_id="8") == b"id: 8\n\n"


@pytest.mark.parametrize(("sent", "read"), [("17", "17"), ("", None), (None, None)])
def test_request_tells_the_last_event_its_reader_has_seen(sent: str | None, read: str | None) -> None:
    headers = [] if sent is None else [(b"last-event-id", sent.encode())]
    assert last_event_id(Request({"type": "http", "headers": headers})) == read


async def test_reader_is_sent_everything_until_the_source_ends() -> None:
    source, reader = Written(frame(b"1", event_id="1"), frame(b"2", event_id="2"), None), StreamReader()
    async with reader.reading(application_of(source)) as task:
        await task
    assert reader.text == "retry: 2000\nid: 1\ndata: 1\n\nid: 2\ndata: 2\n\n"
    assert (reader.complete, source.closed) == (True, 1)
    headers = reader.headers
    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert (headers["cache-control"], headers["x-accel-buffering"]) == ("no-store, no-transform", "no")
    assert "content-length" not in headers


async def test_reader_is_sent_a_comment_when_nothing_happens() -> None:
    source, reader = Written(), StreamReader()
    async with reader.reading(application_of(source, heartbeat=0.01)):
        await eventually(lambda: reader.text.count(": keep-alive\n") >= 2)


async def test_source_is_closed_when_the_reader_leaves() -> None:
    source, reader = Written(), StreamReader()
    application = application_of(source)
    async with reader.reading(application) as task:
        await eventually(lambda: len(open_streams_of(application)) == 1)
        reader.left.set()
        await task
    assert (source.closed, len(open_streams_of(application))) == (1, 0)


async def test_stream_ends_when_its_reader_sends_without_end() -> None:
    source, reader = Written(), Endless()
    async with reader.reading(application_of(source)) as task:
        await task
    assert (reader.status, reader.complete, source.closed) == (200, True, 1)


async def test_every_stream_ends_when_the_server_stops() -> None:
    source, reader = Written(), StreamReader()
    application = application_of(source)
    async with reader.reading(application) as task:
        open_streams_of(application).close()
        await task
    assert (reader.complete, source.closed) == (True, 1)
    late = StreamReader()
    async with late.reading(application) as task:
        await task
    assert late.status == 503


@pytest.mark.slow  # it is given a second for its last words
async def test_stream_ends_with_the_server_though_its_reader_has_stopped_reading() -> None:
    source, reader = Written(frame(b"1"), frame(b"2")), StreamReader()
    application = application_of(source)
    async with reader.reading(application) as task:
        reader.reads.clear()
        source.queue.put_nowait(frame(b"3"))
        open_streams_of(application).close()
        await task
    assert (reader.complete, source.closed) == (False, 1)


async def test_reader_is_told_to_come_again_when_too_many_read() -> None:
    source, reader, other = Written(), StreamReader(), StreamReader()
    application = application_of(source, streams=1)
    async with reader.reading(application):
        async with other.reading(application) as task:
            await task
        assert other.status == 503
        assert other.headers["retry-after"] == "5"
        assert "1 streams are open here, which is the limit" in json.loads(other.text)["message"]


async def test_as_many_may_read_as_the_options_say() -> None:
    @operation("Follow", Anyone())
    async def follow(_request: Request) -> Response:
        return EventStream(Written())

    process = Process(services=[Service(name="test", routes=[route("/", get=follow)])], bus=MemoryBus())
    options = Config(CondaStoreServer={"max_open_streams": 1})
    application = make_application(process, CondaStoreServer(config=options))
    reader, other = StreamReader(), StreamReader()
    async with reader.reading(application), other.reading(application) as task:
        await task
    assert (reader.status, other.status) == (200, 503)


async def test_reader_can_connect_again_when_the_source_is_away() -> None:
    source, reader = Written(frame(b"1"), Unavailable("the database cannot be reached")), StreamReader()
    async with reader.reading(application_of(source)) as task:
        await task
    assert (reader.complete, source.closed) == (True, 1)


async def test_head_is_told_the_headers_at_once() -> None:
    source = Written()
    transport = httpx.ASGITransport(application_of(source))
    async with httpx.AsyncClient(transport=transport, base_url="http://conda-store.example") as client:
        answer = await client.head("/")
    assert (answer.status_code, answer.headers["content-type"], answer.content) == (
        200, "text/event-stream; charset=utf-8", b""
    )  # fmt: skip
    assert source.closed == 1


async def test_stream_counts_by_the_time_it_took_to_begin() -> None:
    source, reader = Written(), StreamReader()
    seen: list[float] = []
    loop = asyncio.get_running_loop()

    @operation("Follow", Anyone())
    async def follow(_request: Request) -> Response:
        return EventStream(source)

    application = create_application(
        [route("/", get=follow)], observe=lambda _path, _method, _status, seconds, _size: seen.append(seconds)
    )
    started = loop.time()
    async with reader.reading(application) as task:
        begun = loop.time()
        await asyncio.sleep(2 * (begun - started))  # as long as it is read
        source.queue.put_nowait(None)
        await task
    assert seen == [pytest.approx(0, abs=begun - started)]
