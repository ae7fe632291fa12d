"""conda-store watch and conda-store logs --follow."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from conda_store_client.watching import line_of
from tests.unit.client.answering_server import Answer, AnsweringServer, Asked, data, error, in_turn, stream
from tests.unit.client.calling import Caller
from tests.unit.client.client_builds import a_build, a_log, serve_build

pytestmark = pytest.mark.slow

STREAM, LIST, LOGS = "/api/v1/event/stream/", "/api/v1/event/", "/api/v1/build/12/logs/"


def an_event(number: int = 7, name: str = "build.completed", **fields: Any) -> dict[str, Any]:
    """A public event."""
    return {
        "specversion": "1.0",
        "id": str(number),
        "source": "/api/v1/",
        "type": f"conda-store.events.{name}.v1",
        "subject": "ml/nightly",
        "time": "2026-11-26T21:04:11.120394Z",
        "datacontenttype": "application/json",
        "actor": None,
        "data": {"namespace": "ml", "environment": "nightly", "build_id": 12, "size": 2048, "links": {"build": "/x"}},
        **fields,
    }


def sent(event: dict[str, Any]) -> str:
    """An event as it stands in a stream."""
    name = event["type"].removeprefix("conda-store.events.").removesuffix(".v1")
    return f"id: {event['id']}\nevent: {name}\ndata: {json.dumps(event)}\n\n"


def told(event: str, **fields: Any) -> str:
    """What a stream says besides."""
    return f"event: {event}\ndata: {json.dumps(fields)}\n\n"


def test_watch_prints_a_line_for_each_event_until_there_are_enough(call: Caller, server: AnsweringServer) -> None:
    events = an_event(7), an_event(8, "role.granted", actor="carol", data={"other_namespace": "dev", "role": "viewer"})
    server.routes[STREAM] = in_turn(stream(sent(events[0])), stream(sent(events[1])))
    first, second = call(
        "watch", "ml/nightly", "--type", "build.completed", "--actor", "carol", "-n", "2"
    ).out.splitlines()
    assert re.fullmatch(r"[-\d]{10} [:\d]{8}  build\.completed +ml/nightly  build 12  size=2\.0KiB", first)
    assert second.endswith("ml/nightly  other_namespace=dev  role=viewer  by carol")
    assert server.asked[0].query == {
        "namespace": ["ml"], "environment": ["nightly"], "type": ["build.completed"], "actor": ["carol"]
    }  # fmt: skip
    assert [asked.headers.get("Last-Event-ID") for asked in server.asked] == [None, "7"]


def test_watch_prints_events_as_json_one_on_a_line(call: Caller, server: AnsweringServer) -> None:
    events = [an_event(number, data={"detail": "a\nb ♥"}) for number in (7, 8)]
    server.routes[STREAM] = stream(*map(sent, events))
    printed = call("watch", "--json", "--count", "2").out.splitlines()
    assert [json.loads(line) for line in printed] == events


def test_watch_begins_after_the_event_it_is_given(call: Caller, server: AnsweringServer) -> None:
    server.routes[STREAM] = stream(sent(an_event()))
    call("watch", "--cursor", "6", "-n", "1")
    assert server.asked[0].headers["Last-Event-ID"] == "6"


def test_watch_begins_at_the_moment_it_is_given(call: Caller, server: AnsweringServer) -> None:
    now = datetime.now(UTC)
    pages = {
        "": [an_event(30, time=now.isoformat()), an_event(20, time=(now - timedelta(minutes=9)).isoformat())],
        "20": [an_event(10, time=(now - timedelta(minutes=11)).isoformat())],
    }

    def page(asked: Asked) -> Answer:
        cursor = asked.query.get("cursor", [""])[0]
        following = "20" if cursor == "" else None
        return Answer(200, json.dumps({"status": "ok", "data": pages[cursor], "cursor": following}).encode())

    server.routes[LIST] = page
    server.routes[STREAM] = stream(sent(an_event(20)))
    call("watch", "ml", "--since", "10m", "-n", "1")
    assert server.asked[-1].headers["Last-Event-ID"] == "10"
    assert server.asked[0].query == {"namespace": ["ml"]}
    call("watch", "ml", "--since", "2d", "-n", "1")
    assert server.asked[-1].headers["Last-Event-ID"] == "0"


def test_watch_tells_of_breaks_and_of_what_is_gone_on_standard_error(call: Caller, server: AnsweringServer) -> None:
    gone = told("reset", snapshot="/api/v1/event/")
    server.routes[STREAM] = in_turn(stream(sent(an_event())), error(503, ""), stream(gone, sent(an_event(9))))
    done = call("watch", "--json", "-n", "2")
    assert [json.loads(line)["id"] for line in done.out.splitlines()] == ["7", "9"]
    again, reset = done.err.splitlines()
    assert again == "the server is not available (status 503); trying again"
    assert reset.startswith("the server no longer has the events in between")
    assert reset.endswith(f"{server.url}/api/v1/event/")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(404, b'{"detail":"Not Found"}'), "this server has no stream at /api/v1/event/stream/"),
        (error(403, "request not authorized"), "request not authorized"),
        (error(503, "4000 streams are open here"), "4000 streams are open here"),
        (stream("data: no JSON\n\n"), "an event that is no CloudEvent"),
        (stream(told("unauthorized")), "your login has expired"),
        (Answer(422, b'{"detail": [{"loc": ["query", "type"], "msg": "no such type"}]}'), "query.type: no such type"),
    ],
)
def test_watch_says_what_is_wrong(call: Caller, server: AnsweringServer, answer: Answer, words: str) -> None:
    server.routes[STREAM] = answer
    assert words in call("watch", status=1).err


@pytest.mark.parametrize("arguments", [["--since", "soon"], ["--since", "1h", "--cursor", "1"], ["-n", "0"]])
def test_watch_that_is_asked_wrongly_explains_itself(call: Caller, arguments: list[str]) -> None:
    assert "Usage: conda-store watch" in call("watch", *arguments, status=2).err
    assert "unable to parse a/b/c" in call("watch", "a/b/c", status=1).err


def test_line_of_an_event_is_short_and_for_people() -> None:
    line = line_of(an_event(name="build.failed", data={"code": "unsatisfiable", "detail": f"{'x' * 200}\nmore"}))
    assert line.endswith(f"code=unsatisfiable  detail={'x' * 100}…")
    assert "new.type.v3" in line_of(an_event(type="new.type.v3", data=None, subject=None))


def log(text: str, position: str, stage: str = "solve", attempt: int = 1) -> str:
    """A piece of a log as it stands in a stream."""
    return f"id: {position}\n{told('log', stage=stage, attempt=attempt, text=text)}"


def test_followed_log_is_printed_once_across_breaks(call: Caller, server: AnsweringServer) -> None:
    serve_build(server, a_build(12, "BUILDING"))
    mark = told("stage", stage="solve", attempt=1, state="running")
    server.routes[LOGS] = in_turn(
        stream(mark, log("one\n", "10")),
        error(503, ""),
        stream(told("stage", stage="solve", attempt=1, state="worker_lost")),
        stream(
            told("stage", stage="solve", attempt=2, state="running"), log("two ♥\r\n", "20", attempt=2), told("end")
        ),
    )
    done = call("logs", "12", "--follow")
    assert done.out == "one\ntwo ♥\r\n"
    assert done.err.splitlines() == [
        "the server is not available (status 503); trying again",
        "solve, attempt 1: worker_lost",
        "solve, attempt 2: running",
    ]
    seen = [asked.headers.get("Last-Event-ID") for asked in server.asked if asked.path == LOGS]
    assert seen == [None, "10", "10", "10"]


@pytest.mark.parametrize("status", [204, 404])
def test_followed_log_of_a_server_without_the_stream_is_asked_for(
    call: Caller, server: AnsweringServer, status: int
) -> None:
    serve_build(server, a_build())
    server.routes[LOGS] = lambda asked: Answer(status) if "follow" in asked.query else a_log("one\n")
    assert call("logs", "12", "--follow").out == "one\n"


def test_log_that_is_stored_as_a_whole_is_printed(call: Caller, server: AnsweringServer) -> None:
    serve_build(server, a_build())
    for arguments in ([], ["--follow"]):
        server.routes[LOGS] = lambda asked: (
            stream(told("end"))
            if "follow" in asked.query
            else a_log("" if "position" in asked.query else "the whole\n")
        )
        assert call("logs", "12", *arguments).out == "the whole\n"


def test_follower_is_told_that_the_build_was_deleted(call: Caller, server: AnsweringServer) -> None:
    serve_build(server, a_build())
    server.routes[LOGS] = stream(log("one\n", "10"), told("end", reason="deleted", status="FAILED"))
    done = call("logs", "12", "--follow")
    assert (done.out, done.err) == ("one\n", "build 12 was deleted\n")


def test_log_of_a_build_that_does_not_exist_is_told_as_such(call: Caller, server: AnsweringServer) -> None:
    server.routes["/api/v1/build/12/"] = error(404, "build id does not exist")
    assert call("logs", "12", "-f", status=1).err.startswith("Error getting build 12\nbuild id does not exist\n")
    server.routes["/api/v1/build/12/"] = data(a_build())
    server.routes[LOGS] = stream("event: log\ndata: {\n\n")
    assert "an event 'log' that is no JSON object" in call("logs", "12", "-f", status=1).err
