"""Channels that were never built from can be searched, and specifications solved without a build: in both modes."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from conda_store_shared.testing.demo_channel.server import ChannelServer
from tests.acceptance.user import User


def get(user: User, path: str, **query: Any) -> dict[str, Any]:
    answer = user.client.get(f"/api/v1{path}", params=query)
    assert answer.status_code == httpx.codes.OK, answer.text
    body: dict[str, Any] = answer.json()
    return body


def wait_until(condition: Callable[[], bool], what: str, timeout: float = 60) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


@pytest.fixture
def indexing(user: User, demo_channel_server: ChannelServer) -> Iterator[None]:
    """The demo channel is listed for as long as the test runs, beside one that is not there."""
    wrong = demo_channel_server.url.replace("demo-channel", "no-such-channel")
    index(user, [wrong, demo_channel_server.url])
    yield
    index(user, [])


def index(user: User, channels: list[str]) -> None:
    answer = user.client.put("/api/v1/setting/", json={"conda_indexed_channels": channels})
    assert answer.status_code == httpx.codes.OK, answer.text


@pytest.mark.usefixtures("indexing")
def test_user_finds_the_packages_of_a_channel_that_is_listed(user: User) -> None:
    def found(name: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = get(user, "/package/", search=name, exact=1)["data"]
        return [row for row in rows if row["channel"]["name"] == user.channel]

    wait_until(lambda: bool(found("demo-prefix")), "the channel was not listed")
    (row,) = found("demo-prefix")
    assert (row["name"], row["channel"]["last_update"]) == ("demo-prefix", None)
    channels = {row["name"]: row["last_update"] for row in get(user, "/channel/")["data"]}
    assert channels[user.channel] is not None
    assert channels[user.channel.replace("demo-channel", "no-such-channel")] is None
    names = get(user, "/package/", search="demo-", distinct_on="name", sort_by="name")
    assert [row["name"] for row in names["data"]] == sorted({row["name"] for row in names["data"]})
    assert names["count"] == len(names["data"]) > 1
    assert get(user, "/package/", search="demo-", build="no such build")["count"] == 0


def test_user_has_a_specification_solved_without_a_build(user: User) -> None:
    builds = get(user, "/build/")["count"]
    rows = get(user, "/specification/", channel=user.channel, conda=["python", "numpy"])["solve"]
    assert len(rows) >= 2
    assert all(row["sha256"] and row["size"] > 0 and row["id"] and row["package_id"] for row in rows)
    assert {row["subdir"] for row in rows} <= {"linux-64", "noarch"}
    assert get(user, "/build/")["count"] == builds


def test_user_reads_why_there_is_no_solution(user: User) -> None:
    query = {"channel": user.channel, "conda": ["demo-needs-old", "demo-versions >=2"]}
    answer = user.client.get("/api/v1/specification/", params=query)
    assert answer.status_code == httpx.codes.BAD_REQUEST
    assert "demo-needs-old" in answer.json()["message"]
    with httpx.Client(base_url=user.suite.url) as nobody:
        refused = nobody.get("/api/v1/specification/", params=query)
    assert refused.status_code == httpx.codes.FORBIDDEN
