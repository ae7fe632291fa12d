"""Specifications that are left in a watched directory are built, once, in both modes (contract §4.10)."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from conda_store_shared.db.engine import Database
from conda_store_shared.db.models import PublicEvent
from conda_store_shared.testing.demo_channel.server import ChannelServer
from conda_store_shared.testing.servers.conda_store import DistributedSuite, Suite
from conda_store_shared.testing.servers.process import wait_until
from tests.acceptance.user import User

NAMESPACE = "filesystem"


def builds(user: User, name: str) -> list[dict[str, Any]]:
    """The builds of an environment that a file describes."""
    answer = user.client.get("/api/v1/build/", params={"namespace": NAMESPACE, "name": name, "size": 100})
    assert answer.status_code == httpx.codes.OK, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def watched_directory(suite: Suite) -> Path:
    """Where files may be left; it is not there yet when the suite starts."""
    (path,) = next(iter(suite.processes.values())).options["CondaStoreWorker.watch_paths"]
    directory = Path(path)
    directory.mkdir(exist_ok=True)
    return directory


def leave(user: User, name: str, dependency: str) -> Path:
    """Leave a specification as careful programs do: under its name it is whole."""
    directory = watched_directory(user.suite)
    draft, path = directory / f".{name}.draft", directory / f"{name}.yml"
    draft.write_text(user.specification(name, [dependency]))
    return draft.rename(path)


def rejections(suite: Suite, path: Path) -> list[dict[str, Any]]:
    """What the log of events says of a file."""
    url = next(iter(suite.processes.values())).options["CondaStore.database_url"]

    async def read() -> list[dict[str, Any]]:
        async with Database(url) as database, database.session() as session:
            query = select(PublicEvent.data).where(PublicEvent.type == "specification.rejected")
            found: list[dict[str, Any]] = list(await session.scalars(query))
            return [data for data in found if data["path"] == str(path)]

    return asyncio.run(read())


@pytest.mark.timeout(180)
def test_file_in_a_watched_directory_is_built_and_one_bad_file_stops_no_other(user: User) -> None:
    bad = watched_directory(user.suite) / "bad.yml"
    bad.write_text("name: [\n")
    leave(user, "watched", "demo-text")
    assert wait_until(lambda: len(builds(user, "watched")) == 1, 60), "the file was not found"
    build = user.wait(builds(user, "watched")[0]["id"])
    assert build["status"] == "COMPLETED"
    assert user.environment("watched", NAMESPACE)["current_build_id"] == build["id"]
    assert wait_until(lambda: bool(rejections(user.suite, bad)), 60), "nobody was told of the bad file"
    (rejected,) = rejections(user.suite, bad)
    assert rejected["code"] == "invalid_specification"

    leave(user, "watched", "demo-versions")
    assert wait_until(lambda: len(builds(user, "watched")) == 2, 60), "the change was not found"
    # In the order of their coming: had the first been built again, it would be there by now.
    leave(user, "after", "demo-text")
    assert wait_until(lambda: len(builds(user, "after")) == 1, 60), "the next file was not found"
    assert len(builds(user, "watched")) == 2
    assert len(rejections(user.suite, bad)) == 1


@pytest.mark.timeout(180)
def test_file_is_built_once_when_several_builders_watch_it(
    distributed_suite: DistributedSuite, demo_channel_server: ChannelServer
) -> None:
    with User(distributed_suite, demo_channel_server.url) as user:
        leave(user, "shared", "demo-text")
        assert wait_until(lambda: len(builds(user, "shared")) == 1, 60), "the file was not found"
        first = user.wait(builds(user, "shared")[0]["id"])
        # A builder that starts tells of every file.
        with distributed_suite.make("builder"):
            leave(user, "later", "demo-text")
            assert wait_until(lambda: len(builds(user, "later")) == 1, 60), "the next file was not found"
            user.wait(builds(user, "later")[0]["id"])
            assert [build["id"] for build in builds(user, "shared")] == [first["id"]]
            assert len(builds(user, "later")) == 1
