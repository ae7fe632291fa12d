"""Following and waiting, with a server that changes its mind, goes away, or is not ours."""

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from conda_store_client.builds import LogReader
from conda_store_client.connection import Connection
from conda_store_client.credentials import Anonymous
from conda_store_client.errors import ClientError, ServerUnavailable
from conda_store_client.following import follow
from conda_store_client.waiting import wait_for
from tests.unit.client.answering_server import Answer, AnsweringServer, Asked, data, error, in_turn, stream
from tests.unit.client.client_builds import a_build, a_log, a_stage, serve_build

pytestmark = pytest.mark.slow

PATH = "/api/v1/build/12/"


def statuses(*names: str) -> Callable[[Asked], Answer]:
    """A build that goes through these."""
    return in_turn(*(data(a_build(12, name)) for name in names))


@pytest.fixture
def connection(server: AnsweringServer) -> Connection:
    serve_build(server, a_build(12))
    return Connection(server.url, Anonymous())


def wait(connection: Connection, artifact: str = "build", timeout: float = 5) -> None:
    """Wait for build 12, asking often."""
    wait_for(connection, 12, artifact, timeout=timeout, interval=0.01)


def test_wait_ends_when_the_build_is_completed(connection: Connection, server: AnsweringServer) -> None:
    server.routes[PATH] = statuses("QUEUED", "BUILDING", "COMPLETED")
    wait(connection)
    assert server.paths().count(PATH) == 3


@pytest.mark.parametrize(("status", "message"), [("FAILED", "Build 12 failed"), ("CANCELED", "Build 12 was canceled")])
def test_wait_fails_when_the_build_ends_otherwise(
    connection: Connection, server: AnsweringServer, status: str, message: str
) -> None:
    server.routes[PATH] = data(a_build(12, status, status_info="the reason"))
    for artifact in ("build", "archive"):
        with pytest.raises(ClientError, match=rf"^{message}$") as failure:
            wait(connection, artifact)
        assert failure.value.detail == "the reason"


def test_wait_gives_up_after_its_timeout(connection: Connection, server: AnsweringServer) -> None:
    server.routes[PATH] = data(a_build(12, "BUILDING"))
    with pytest.raises(ClientError, match=r"^Build 12 failed to complete in 0.2 seconds$"):
        wait(connection, timeout=0.2)


def test_wait_asks_once_when_there_is_no_time(connection: Connection, server: AnsweringServer) -> None:
    wait(connection, timeout=0)
    server.routes[PATH] = data(a_build(12, "QUEUED"))
    with pytest.raises(ClientError, match="failed to complete in 0 seconds"):
        wait(connection, timeout=0)


@pytest.mark.parametrize(
    ("artifact", "kind"),
    [("lockfile", "LOCKFILE"), ("yaml", "YAML"), ("archive", "CONDA_PACK"), ("docker", "DOCKER_MANIFEST")],
)
def test_wait_ends_when_the_artifact_is_there(
    connection: Connection, server: AnsweringServer, artifact: str, kind: str
) -> None:
    server.routes[PATH] = in_turn(data(a_build(12, "BUILDING")), data(a_build(12, "BUILDING", "OTHER", kind)))
    wait(connection, artifact)
    assert server.paths().count(PATH) == 2


def test_wait_goes_on_while_the_artifact_is_made(connection: Connection, server: AnsweringServer) -> None:
    server.routes[f"{PATH}stages/"] = data([a_stage("artifact.CONDA_PACK", "running")])
    server.routes[PATH] = in_turn(data(a_build()), data(a_build()), data(a_build(12, "COMPLETED", "CONDA_PACK")))
    wait(connection, "archive")


@pytest.mark.parametrize(
    ("stages", "message", "detail"),
    [
        ([], "Build 12 makes no archive", "settings"),
        (
            [a_stage("artifact.CONDA_PACK", "failed", detail="disk full")],
            "Build 12 has no archive: making it failed",
            "disk full",
        ),
    ],
)
def test_wait_fails_when_the_artifact_will_never_come(
    connection: Connection, server: AnsweringServer, stages: Sequence[dict[str, Any]], message: str, detail: str
) -> None:
    server.routes[f"{PATH}stages/"] = data(list(stages))
    with pytest.raises(ClientError, match=message) as failure:
        wait(connection, "archive")
    assert detail in failure.value.detail


def test_wait_outlasts_a_server_that_is_not_available(connection: Connection, server: AnsweringServer) -> None:
    server.routes[PATH] = in_turn(data(a_build(12, "BUILDING")), error(503, "broker"), data(a_build()))
    wait(connection)


def test_wait_says_at_once_that_the_server_is_not_available(connection: Connection, server: AnsweringServer) -> None:
    server.routes[PATH] = error(503, "broker")
    with pytest.raises(ServerUnavailable):
        wait(connection)


def test_wait_names_the_build_that_does_not_exist(connection: Connection, server: AnsweringServer) -> None:
    server.routes[PATH] = error(404, "build id does not exist")
    with pytest.raises(ClientError, match=r"^Error getting build 12$"):
        wait(connection)


def test_follower_sees_every_piece_of_the_log_once(connection: Connection, server: AnsweringServer) -> None:
    server.routes[PATH] = statuses("BUILDING", "BUILDING", "COMPLETED")
    pieces = {"0": a_log("one\n", 1, is_complete=False), "1": a_log("two\n", 2, is_complete=False), "2": a_log("", 2)}
    server.routes[f"{PATH}logs/"] = lambda asked: pieces[asked.query["position"][0]]
    assert "".join(each.log for each in follow(connection, 12, pause=0.01)) == "one\ntwo\n"


def test_follower_goes_on_until_the_artifacts_are_made(connection: Connection, server: AnsweringServer) -> None:
    server.routes[f"{PATH}stages/"] = in_turn(
        data([a_stage("artifact.YAML", "running")]), data([a_stage("artifact.YAML", "done")])
    )
    states = [each.stages[0].state for each in follow(connection, 12, pause=0.01)]
    assert states == ["running", "done"]


def test_follower_waits_for_a_server_that_goes_away() -> None:
    with AnsweringServer() as server:
        serve_build(server, a_build(12, "BUILDING"))
        followed = follow(Connection(server.url, Anonymous()), 12, pause=0.01)
        assert next(followed).trouble == ""
    assert next(followed).trouble == f"cannot reach {server.url}"
    with AnsweringServer(server.port) as again:
        serve_build(again, a_build(12))
        *_, last = followed
    assert (last.build.status, last.trouble) == ("COMPLETED", "")


def test_follower_says_at_once_that_nobody_answers() -> None:
    with AnsweringServer() as gone:
        connection = Connection(gone.url, Anonymous())
    with pytest.raises(ClientError, match="cannot reach"):
        next(follow(connection, 12))


def test_follower_reads_servers_that_tell_neither_stages_nor_positions(server: AnsweringServer) -> None:
    server.routes[PATH] = statuses("BUILDING", "COMPLETED")
    server.routes[f"{PATH}logs/"] = in_turn(Answer(200, b"one\n"), Answer(200, b"one\ntwo\n"))
    seen = list(follow(Connection(server.url, Anonymous()), 12, pause=0.01, grace=0.2))
    assert "".join(each.log for each in seen) == "one\ntwo\n"
    assert seen[-1].build.status == "COMPLETED"


def test_log_is_empty_when_it_is_not_stored_yet(server: AnsweringServer) -> None:
    assert LogReader(Connection(server.url, Anonymous()), 12).read() == ""


def test_answers_that_lack_a_field_are_told_as_such(connection: Connection, server: AnsweringServer) -> None:
    rows: list[Any] = [
        {"id": 12},
        [],
        None,
        a_build(specification=[1]),
        a_build(size="big"),
        a_build(build_artifacts=1),
    ]
    for row in rows:
        server.routes[PATH] = data(row)
        with pytest.raises(ClientError, match="the server's answer lacks"):
            wait(connection)


def test_wait_ends_as_soon_as_the_server_tells(connection: Connection, server: AnsweringServer) -> None:
    build = {"status": "BUILDING"}

    def events(_asked: Asked) -> Answer:
        def pieces() -> Iterator[bytes]:
            yield b"retry: 1\n"
            build["status"] = "COMPLETED"
            yield b"id: 1\nevent: build.completed\ndata: {}\n\n"

        return Answer(headers=stream().headers, pieces=pieces())

    server.routes[PATH] = lambda _asked: data(a_build(12, build["status"]))
    server.routes[f"{PATH}events/"] = in_turn(events, Answer(204))
    wait_for(connection, 12, "build", timeout=300, interval=200)
    assert server.paths().count(PATH) == 2


def test_wait_asks_again_soon_when_the_server_is_away_as_it_has_told_everything(
    connection: Connection, server: AnsweringServer
) -> None:
    event = 'id: 1\nevent: build.completed\ndata: {}\n\n'
    server.routes[f"{PATH}events/"] = in_turn(stream(event), Answer(204))
    server.routes[PATH] = in_turn(data(a_build(12, "BUILDING")), *[error(503, "database")] * 2, data(a_build()))
    wait_for(connection, 12, "build", timeout=300, interval=200)


def test_wait_asks_on_while_a_stream_is_held_back(connection: Connection, server: AnsweringServer) -> None:
    held_back = threading.Event()

    def nothing(_asked: Asked) -> Answer:
        held_back.wait(10)
        return Answer(headers=stream().headers)

    server.routes[f"{PATH}events/"] = nothing
    server.routes[PATH] = statuses("QUEUED", "BUILDING", "COMPLETED")
    wait(connection)
    held_back.set()


def test_wait_gives_up_in_time_though_the_server_goes_on_telling(
    connection: Connection, server: AnsweringServer
) -> None:
    over = threading.Event()

    def events(_asked: Asked) -> Answer:
        return Answer(headers=stream().headers, pieces=(b": keep-alive\n" for _ in iter(lambda: over.wait(0.02), True)))

    server.routes[f"{PATH}events/"] = events
    server.routes[PATH] = data(a_build(12, "BUILDING"))
    with pytest.raises(ClientError, match=r"^Build 12 failed to complete in 0.3 seconds$"):
        wait_for(connection, 12, "build", timeout=0.3, interval=0.1)
    over.set()
