"""Streams of events as a reader sees them: from the first frame to the end, whoever brings it about."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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


class Reader:
    """A reader of a stream, who can stop reading and leave; what it was sent is in ``text``."""

    def __init__(self, method: str = "GET") -> None:
        self.scope: dict[str, Any] = {
            "type": "http", "method": method, "path": "/", "raw_path": b"/", "query_string": b"", "headers": []
        }  # fmt: skip
        self.starts: list[dict[str, Any]] = []
        self.text, self.complete = "", False
        self.reads, self.left = asyncio.Event(), asyncio.Event()
        self.reads.set()

    async def receive(self) -> dict[str, Any]:
        """Tell that the reader has left, once it has."""
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        """Take a part of the answer."""
        await self.reads.wait()
        if message["type"] == "http.response.start":
            self.starts.append(message)
            return
        self.text += message["body"].decode()
        self.complete = not message.get("more_body", False)


def application_of(source: Written, *, streams: int = 10, heartbeat: float = 15.0) -> Starlette:
    @operation("Follow", Anyone())
    async def follow(_request: Request) -> Response:
        return EventStream(source, heartbeat=heartbeat)

    return create_application([route("/", get=follow)], WebOptions(streams=streams))


@asynccontextmanager
async def reading(application: Starlette, reader: Reader) -> AsyncIterator[asyncio.Task[None]]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(application(reader.scope, reader.receive, reader.send))
        yield task
        reader.left.set()


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
    source, reader = Written(frame(b"1", event_id="1"), frame(b"2", event_id="2"), None), Reader()
    async with reading(application_of(source), reader) as task:
        await task
    assert reader.text == "retry: 2000\nid: 1\ndata: 1\n\nid: 2\ndata: 2\n\n"
    assert (reader.complete, source.closed) == (True, 1)
    headers = dict(reader.starts[0]["headers"])
    assert headers[b"content-type"] == b"text/event-stream; charset=utf-8"
    assert (headers[b"cache-control"], headers[b"x-accel-buffering"]) == (b"no-store, no-transform", b"no")
    assert b"content-length" not in headers


async def test_reader_is_sent_a_comment_when_nothing_happens() -> None:
    source, reader = Written(), Reader()
    async with reading(application_of(source, heartbeat=0.01), reader):
        await eventually(lambda: reader.text.count(": keep-alive\n") >= 2)


async def test_source_is_closed_when_the_reader_leaves() -> None:
    source, reader = Written(), Reader()
    application = application_of(source)
    async with reading(application, reader) as task:
        await eventually(lambda: len(open_streams_of(application)) == 1)
        reader.left.set()
        await task
    assert (source.closed, len(open_streams_of(application))) == (1, 0)


async def test_every_stream_ends_when_the_server_stops() -> None:
    source, reader = Written(), Reader()
    application = application_of(source)
    async with reading(application, reader) as task:
        await eventually(lambda: reader.text != "")
        open_streams_of(application).close()
        await task
    assert (reader.complete, source.closed) == (True, 1)
    late = Reader()
    async with reading(application, late) as task:
        await task
    assert late.starts[0]["status"] == 503


@pytest.mark.slow  # it is given a second for its last words
async def test_stream_ends_with_the_server_though_its_reader_has_stopped_reading() -> None:
    source, reader = Written(frame(b"1"), frame(b"2")), Reader()
    application = application_of(source)
    async with reading(application, reader) as task:
        await eventually(lambda: reader.text != "")
        reader.reads.clear()
        source.queue.put_nowait(frame(b"3"))
        open_streams_of(application).close()
        await task
    assert (reader.complete, source.closed) == (False, 1)


async def test_reader_is_told_to_come_again_when_too_many_read() -> None:
    source, reader, other = Written(), Reader(), Reader()
    application = application_of(source, streams=1)
    async with reading(application, reader):
        await eventually(lambda: reader.text != "")
        async with reading(application, other) as task:
            await task
        assert other.starts[0]["status"] == 503
        assert dict(other.starts[0]["headers"])[b"retry-after"] == b"5"
        assert "1 streams are open here, which is the limit" in json.loads(other.text)["message"]


async def test_as_many_may_read_as_the_options_say() -> None:
    @operation("Follow", Anyone())
    async def follow(_request: Request) -> Response:
        return EventStream(Written())

    process = Process(services=[Service(name="test", routes=[route("/", get=follow)])], bus=MemoryBus())
    options = Config(CondaStoreServer={"max_open_streams": 1})
    application = make_application(process, CondaStoreServer(config=options))
    reader, other = Reader(), Reader()
    async with reading(application, reader):
        await eventually(lambda: reader.text != "")
        async with reading(application, other) as task:
            await task
    assert (reader.starts[0]["status"], other.starts[0]["status"]) == (200, 503)


async def test_reader_can_connect_again_when_the_source_is_away() -> None:
    source, reader = Written(frame(b"1"), Unavailable("the database cannot be reached")), Reader()
    async with reading(application_of(source), reader) as task:
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
    source, reader = Written(), Reader()
    seen: list[float] = []
    loop = asyncio.get_running_loop()

    @operation("Follow", Anyone())
    async def follow(_request: Request) -> Response:
        return EventStream(source)

    application = create_application(
        [route("/", get=follow)], observe=lambda _path, _method, _status, seconds, _size: seen.append(seconds)
    )
    started = loop.time()
    async with reading(application, reader) as task:
        await eventually(lambda: reader.text != "")
        begun = loop.time()
        await asyncio.sleep(2 * (begun - started))  # as long as it is read
        source.queue.put_nowait(None)
        await task
    assert seen == [pytest.approx(0, abs=begun - started)]
