"""Streams of events across breaks, and servers that have none."""

import pytest

from conda_store_client.connection import Connection
from conda_store_client.credentials import Anonymous
from conda_store_client.errors import RequestRefused, ServerUnavailable, ServerUnreachable
from conda_store_client.event_stream import EventStream, NoStream
from tests.unit.client.answering_server import Answer, AnsweringServer, Asked, error, in_turn, stream

pytestmark = pytest.mark.slow

PATH = "/events/"
OVER = Answer(204)


def events(*numbers: int) -> str:
    """Events with these ids."""
    return "".join(f"id: {number}\nevent: happened\ndata: {number}\n\n" for number in numbers)


def read(server: AnsweringServer, *, last_id: str = "") -> tuple[list[str], list[str]]:
    """Follow to the end; return what happened, and what was told meanwhile."""
    told: list[str] = []
    followed = EventStream(Connection(server.url, Anonymous()), PATH, last_id=last_id, tell=told.append)
    return [frame.data for frame in followed.frames()], told


def test_stream_goes_on_where_it_broke_off(server: AnsweringServer) -> None:
    broken = Answer(headers=stream().headers, body=(b"retry: 1\n" + events(3).encode()) * 2, sent=len(events(3)) + 20)
    server.routes[PATH] = in_turn(stream(events(1, 2)), broken, stream("id: 4\ndata: never whole"), OVER)
    happened, told = read(server)
    assert happened == ["1", "2", "3"]
    assert told == [f"cannot reach {server.url}"]
    assert [asked.headers.get("Last-Event-ID") for asked in server.asked] == [None, "2", "3", "3"]
    assert {asked.headers["Accept"] for asked in server.asked} == {"text/event-stream"}


def test_stream_begins_after_the_event_it_is_given(server: AnsweringServer) -> None:
    server.routes[PATH] = in_turn(stream(events(8)), OVER)
    assert read(server, last_id="7")[0] == ["8"]
    assert server.asked[0].headers["Last-Event-ID"] == "7"


def test_stream_outlasts_a_server_that_is_started_again(server: AnsweringServer) -> None:
    server.routes[PATH] = in_turn(stream(events(1)), error(503, "stopping"), error(502, ""), stream(events(2)), OVER)
    happened, told = read(server)
    assert happened == ["1", "2"]
    assert told == [f"the server is not available (status {status})" for status in (503, 502)]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(404, b'{"detail":"Not Found"}'),
        error(405, "Method Not Allowed"),
        Answer(200, b"the whole log", {"Content-Type": "text/plain"}),
        Answer(200, b"<html>", {"Content-Type": "text/html"}),
    ],
)
def test_server_without_the_stream_is_told_from_others(server: AnsweringServer, answer: Answer) -> None:
    server.routes[PATH] = answer
    with pytest.raises(NoStream, match="this server has no stream at /events/"):
        read(server)


def test_stream_of_which_nothing_arrives_is_none(server: AnsweringServer) -> None:
    server.routes[PATH] = Answer(headers=stream().headers)
    with pytest.raises(NoStream, match="nothing comes through the stream") as failure:
        read(server)
    assert "proxy_buffering off" in failure.value.detail


def test_reader_who_may_not_is_refused_at_once_and_later_on(server: AnsweringServer) -> None:
    server.routes[PATH] = error(403, "request not authorized")
    with pytest.raises(RequestRefused, match="request not authorized"):
        read(server)
    server.routes[PATH] = in_turn(stream(events(1)), error(404, "build id does not exist"))
    with pytest.raises(RequestRefused, match="build id does not exist"):
        read(server)


def test_reader_whose_login_ends_is_told_so(server: AnsweringServer) -> None:
    server.routes[PATH] = stream(events(1), 'event: unauthorized\ndata: {"message": "x"}\n\n')
    with pytest.raises(RequestRefused, match="your login has expired, or does not allow"):
        read(server)
    assert len(server.asked) == 1


def test_server_that_is_away_from_the_start_is_told_at_once(server: AnsweringServer) -> None:
    server.routes[PATH] = error(503, "too many streams")
    with pytest.raises(ServerUnavailable):
        read(server)
    with AnsweringServer() as gone:
        pass
    with pytest.raises(ServerUnreachable):
        read(gone)


def test_pauses_grow_and_begin_anew_with_the_first_word(server: AnsweringServer) -> None:
    def ask_in_a_second(_asked: Asked) -> Answer:
        return Answer(headers=stream().headers, pieces=[b"retry: 1000\n"])

    server.routes[PATH] = in_turn(ask_in_a_second, *[error(503, "")] * 6, ask_in_a_second, OVER)
    followed = EventStream(Connection(server.url, Anonymous()), PATH)
    pauses: list[float] = []
    followed.pause = pauses.append
    assert list(followed.frames()) == []
    for pause, longest in zip(pauses, [1, 1.5, 2.25, 3.375, 5.0625, 7.59375, 11.390625, 1], strict=True):
        assert longest / 2 <= pause <= longest
