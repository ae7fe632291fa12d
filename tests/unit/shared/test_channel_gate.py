"""The way to channels with a token in the path passes on what it is asked for, and nothing to anybody else."""

import http.client
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from conda_store_shared.conda.channel_gate import ChannelGate
from conda_store_shared.conda.credentials import CredentialBook
from conda_store_shared.testing.private_server import PrivateServer, Secrets

pytestmark = pytest.mark.slow
TOKEN = Secrets().token
LARGE = os.urandom(3_000_000)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PrivateServer]:
    """A channel with a large file and a small one."""
    (tmp_path / "noarch").mkdir()
    (tmp_path / "noarch/large").write_bytes(LARGE)
    (tmp_path / "noarch/small").write_text("small")
    with PrivateServer(tmp_path) as running:
        yield running


def door_to(address: str) -> str:
    """Where to ask for what lies below an address."""
    book = CredentialBook({"team": {"address": address, "token": TOKEN}})
    [(plain, door)] = ChannelGate(book.entries).doors.items()
    assert plain == f"{address}/"
    return door


@pytest.fixture
def door(server: PrivateServer) -> str:
    """The way to the channel."""
    return door_to(f"{server.url}/token")


def ask(url: str, method: str = "GET", **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
    parts = urlsplit(url)
    with closing(http.client.HTTPConnection(parts.netloc, timeout=20)) as connection:
        connection.request(method, parts.path, headers=headers)
        answer = connection.getresponse()
        return answer, answer.read()


def test_file_comes_whole_with_what_caches_need(server: PrivateServer, door: str) -> None:
    answer, content = ask(f"{door}noarch/large")
    assert (answer.status, content == LARGE) == (200, True)
    modified = answer.headers["Last-Modified"]
    assert answer.headers["Content-Length"] == str(len(LARGE))
    again, content = ask(f"{door}noarch/large", **{"If-Modified-Since": modified})
    assert (again.status, content) == (304, b"")
    head, content = ask(f"{door}noarch/large", "HEAD")
    assert (head.status, head.headers["Content-Length"], content) == (200, str(len(LARGE)), b"")
    assert {seen.path for seen in server.seen} == {f"/t/{TOKEN}/token/noarch/large"}


def test_connection_is_kept_for_what_is_asked_next(door: str) -> None:
    parts = urlsplit(door)
    with closing(http.client.HTTPConnection(parts.netloc, timeout=20)) as connection:
        for name, size in (("small", 5), ("none", None), ("large", len(LARGE)), ("small", 5)):
            connection.request("GET", f"{parts.path}noarch/{name}")
            answer = connection.getresponse()
            content = answer.read()
            assert (answer.status, len(content) if size else None) == ((200, size) if size else (404, None))


def test_nothing_is_passed_on_for_whoever_does_not_know_the_way(server: PrivateServer, door: str) -> None:
    base = f"http://{urlsplit(door).netloc}/"
    for path in ("", "noarch/small", "0" * 32 + "/noarch/small", f"t/{TOKEN}/token/noarch/small"):
        assert ask(base + path)[0].status == 404
    assert server.seen == []


def test_headers_that_are_for_us_alone_are_not_passed_on(server: PrivateServer, door: str) -> None:
    ask(f"{door}noarch/small", Authorization="ours", Cookie="ours", Referer="http://ours", Accept="theirs")
    [seen] = server.seen
    assert "ours" not in repr(seen.headers)
    assert seen.headers["Accept"] == "theirs"
    assert seen.headers["Host"] == urlsplit(server.url).netloc


def test_channel_that_is_away_or_turns_in_circles_is_a_fault_of_its_own(server: PrivateServer, door: str) -> None:
    server.moved["/token/noarch/round"] = "/token/noarch/round"
    assert ask(f"{door}noarch/round")[0].status == 502
    assert ask(f"{door_to('http://127.0.0.1:1/c')}noarch/x")[0].status == 502


def answering(answer: bytes) -> Iterator[str]:
    """The address of a server that gives one answer, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(20)


@pytest.mark.parametrize(
    ("answer", "content"),
    [
        (b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", b"abcde"),
        (b"\r\nabcde", b"abcde"),
        (b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", None),
        (b"Content-Length: 10\r\n\r\nabcde", None),
    ],
)
def test_body_is_passed_on_whole_or_seen_to_be_cut(answer: bytes, content: bytes | None) -> None:
    for address in answering(b"HTTP/1.1 200 OK\r\n" + answer):
        if content is None:
            with pytest.raises(http.client.IncompleteRead):
                ask(f"{door_to(address)}x")
        else:
            assert ask(f"{door_to(address)}x")[1] == content
