"""Processes die and the broker forgets while something is deleted: nothing is left behind, and names stay usable."""

import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conda_store_shared.testing.demo_channel.server import ChannelServer
from conda_store_shared.testing.servers.process import wait_until
from tests.acceptance.cluster import Cluster, query
from tests.acceptance.remains import all_gone, remains_of
from tests.acceptance.user import User

SMALL = ["demo-text"]

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def user(cluster: Cluster, demo_channel_server: ChannelServer) -> Iterator[User]:
    """Somebody who is logged in."""
    with User(cluster.suite, demo_channel_server.url) as user:
        yield user


class Doomed:
    """An environment with builds, about to be deleted."""

    def __init__(self, user: User, builds: int = 3) -> None:
        self.user = user
        self.name = f"doomed-{uuid.uuid4().hex[:8]}"
        ids = [user.submit(self.name, SMALL) for _ in range(builds)]
        prefixes = [user.wait_for_artifacts(each, "DIRECTORY", "CONDA_PACK", "LOGS")["DIRECTORY"] for each in ids]
        self.keys = [Path(prefix).name for prefix in prefixes]

    def delete(self) -> None:
        """Delete it; the answer is all that is waited for."""
        self.user.client.delete(f"/api/v1/environment/default/{self.name}/").raise_for_status()

    def is_gone(self) -> bool:
        """Whether nothing of its builds is left soon."""
        return all(all_gone(self.user.suite, key, 90) for key in self.keys)

    def use_name_again(self) -> None:
        """A new environment of the same name is built and linked, and nothing takes it away."""
        build_id = self.user.submit(self.name, SMALL)
        assert self.user.wait(build_id, timeout=120)["status"] == "COMPLETED"
        prefix = Path(self.user.wait_for_artifacts(build_id, "DIRECTORY")["DIRECTORY"])
        link = self.user.suite.store_directory / "default" / "envs" / self.name
        assert wait_until(lambda: link.is_symlink() and link.resolve() == prefix.resolve(), 60)
        assert self.is_gone(), [remains_of(self.user.suite, key) for key in self.keys]
        assert (prefix / "conda-meta" / "conda-store").exists()
        assert link.resolve() == prefix.resolve()


def crash(cluster: Cluster, name: str) -> None:
    cluster.process(name).crash()
    cluster.process(name).start()


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.2])
@pytest.mark.parametrize("name", ["builder", "artifacts", "api"])
def test_nothing_is_left_when_a_process_is_killed_in_mid_deletion(
    cluster: Cluster, user: User, name: str, delay: float
) -> None:
    doomed = Doomed(user)
    doomed.delete()
    time.sleep(delay)
    crash(cluster, name)
    assert doomed.is_gone(), [remains_of(cluster.suite, key) for key in doomed.keys]
    doomed.use_name_again()


@pytest.mark.parametrize("names", [("builder",), ("artifacts",), ("builder", "artifacts")])
def test_nothing_is_left_when_the_broker_forgets_what_was_to_go(
    cluster: Cluster, user: User, names: tuple[str, ...]
) -> None:
    doomed = Doomed(user)
    for name in names:
        cluster.process(name).stop()
    doomed.delete()
    # What they are to remove stands in their queues, which are lost.
    assert wait_until(lambda: is_asked_for(cluster, doomed), 30)
    cluster.rabbitmq.wipe()
    for name in names:
        cluster.process(name).start()
    doomed.use_name_again()


def is_asked_for(cluster: Cluster, doomed: Doomed) -> bool:
    """Whether the broker has taken the requests to remove all there is of the builds."""
    builds = query(cluster, f"SELECT erased_on FROM build WHERE build_key LIKE '%{doomed.name}'")
    return all(row[0] for row in builds) and not query(cluster, "SELECT id FROM outbox")


def test_nothing_is_left_when_api_dies_before_it_has_begun(cluster: Cluster, user: User) -> None:
    doomed = Doomed(user, builds=6)
    doomed.delete()
    cluster.process("api").crash()
    cluster.rabbitmq.wipe()
    cluster.process("api").start()
    assert wait_until(lambda: user.try_build(1) is not None or user.client.get("/api/v1/").is_success, 60)
    doomed.use_name_again()


def test_names_are_free_while_whoever_removes_is_away(cluster: Cluster, user: User) -> None:
    doomed = Doomed(user)
    cluster.process("artifacts").stop()
    doomed.delete()
    build_id = user.submit(doomed.name, SMALL)
    assert user.wait(build_id)["status"] == "COMPLETED"
    assert wait_until(lambda: not any(prefixes_of(doomed)), 60)
    cluster.process("artifacts").start()
    assert doomed.is_gone(), [remains_of(cluster.suite, key) for key in doomed.keys]


def prefixes_of(doomed: Doomed) -> Iterator[Path]:
    store: Callable[[str], Path] = (doomed.user.suite.store_directory / "default").joinpath
    return (path for path in map(store, doomed.keys) if path.exists())


@pytest.mark.parametrize("name", ["builder", "artifacts", "api"])
def test_nothing_is_left_of_a_build_under_way_when_a_process_is_killed(
    cluster: Cluster, user: User, name: str
) -> None:
    environment = f"doomed-{uuid.uuid4().hex[:8]}"
    build_id = user.submit(environment, ["python", "numpy", "demo-prefix"])
    user.wait(build_id, "BUILDING", "COMPLETED")
    time.sleep(1)
    user.client.delete(f"/api/v1/environment/default/{environment}/").raise_for_status()
    crash(cluster, name)
    assert all_gone(cluster.suite, environment, 90), remains_of(cluster.suite, environment)
    assert wait_until(lambda: user.try_build(build_id) is None, 30)
