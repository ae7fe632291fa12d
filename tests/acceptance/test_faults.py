"""Processes die, the broker and the database go away: no build is lost, none is stuck, none is visible twice."""

import subprocess
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from conda_store_shared.testing.demo_channel.server import ChannelServer
from conda_store_shared.testing.servers import TcpProxy
from conda_store_shared.testing.servers.process import wait_until
from tests.acceptance.cluster import Cluster, query
from tests.acceptance.user import User

LARGE = ["python", "numpy", "demo-prefix"]
SMALL = ["demo-prefix", "demo-versions", "demo-text"]

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def user(cluster: Cluster, demo_channel_server: ChannelServer) -> Iterator[User]:
    """Somebody who is logged in."""
    with User(cluster.suite, demo_channel_server.url) as user:
        yield user


def ten_builds_survive(cluster: Cluster, user: User, harm: Callable[[], None]) -> None:
    """Submit ten builds, do harm while some are being installed, and see each complete exactly once."""
    builds = [user.submit(f"fault-{uuid.uuid4().hex[:8]}", dependencies) for dependencies in (LARGE, *[SMALL] * 4) * 2]
    user.wait(builds[0], "BUILDING", "COMPLETED")
    harm()
    for build_id in builds:
        build = user.wait(build_id, timeout=200)
        assert build["status"] == "COMPLETED", build
    for build_id in builds:
        keys = user.wait_for_artifacts(build_id, "DIRECTORY", "LOCKFILE", "YAML", "CONDA_PACK", "LOGS", timeout=200)
        assert (Path(keys["DIRECTORY"]) / "conda-meta" / "conda-store").exists()
    for build_id in (builds[0], builds[5]):
        prefix = user.wait_for_artifacts(build_id, "DIRECTORY")["DIRECTORY"]
        assert subprocess.run([f"{prefix}/bin/python", "-c", "import numpy"], env={}, check=False).returncode == 0
    ids = ", ".join(map(str, builds))
    completed = query(cluster, f"SELECT build_id FROM event WHERE type = 'build.completed' AND build_id IN ({ids})")
    assert Counter(row[0] for row in completed) == Counter(builds)
    artifacts = query(cluster, f"SELECT build_id, artifact_type FROM build_artifact WHERE build_id IN ({ids})")
    assert set(Counter(artifacts).values()) == {1}


@pytest.mark.parametrize("name", ["solver", "builder", "artifacts", "api"])
def test_ten_builds_complete_when_one_process_is_killed(cluster: Cluster, user: User, name: str) -> None:
    def harm() -> None:
        cluster.process(name).crash()
        cluster.process(name).start()

    ten_builds_survive(cluster, user, harm)


def test_remote_solve_is_answered_when_its_solver_is_killed(cluster: Cluster, user: User) -> None:
    channel, solver = urlsplit(user.channel), cluster.process("solver")
    with TcpProxy(channel.port or 80) as proxy, ThreadPoolExecutor(1) as caller:
        proxy.black_hole = True
        query = {"channel": f"http://127.0.0.1:{proxy.port}{channel.path}", "conda": "demo-prefix"}
        answer = caller.submit(user.client.get, "/api/v1/specification/", params=query, timeout=120)
        # The solver has begun: it asks its channel, which says nothing.
        assert wait_until(lambda: proxy.connections > 0, 30)
        solver.crash()
        proxy.heal()
        solver.start()
        solved = answer.result()
    assert solved.status_code == 200, solved.text
    assert [row["subdir"] for row in solved.json()["solve"]] == ["linux-64"]


def test_ten_builds_complete_when_the_broker_is_killed(cluster: Cluster, user: User) -> None:
    def harm() -> None:
        cluster.rabbitmq.kill()
        cluster.rabbitmq.start()

    ten_builds_survive(cluster, user, harm)


def test_ten_builds_complete_when_postgres_is_killed(cluster: Cluster, user: User) -> None:
    def harm() -> None:
        cluster.postgres.kill()
        cluster.postgres.start()

    ten_builds_survive(cluster, user, harm)


def test_ten_builds_complete_when_the_broker_loses_its_data(cluster: Cluster, user: User) -> None:
    ten_builds_survive(cluster, user, cluster.rabbitmq.wipe)


def test_build_fails_and_says_why_when_three_attempts_died(cluster: Cluster, user: User) -> None:
    builder = cluster.process("builder")
    channel = urlsplit(user.channel)
    with TcpProxy(channel.port or 80) as proxy:
        user.channel = f"http://127.0.0.1:{proxy.port}{channel.path}"
        builder.stop()
        build_id = user.submit(f"lost-{uuid.uuid4().hex[:8]}", ["demo-platform"])
        assert wait_until(partial(has_stage, cluster, build_id, "prefix"), 60)
        # From here on a download begins and never ends.
        proxy.black_hole = True
        for attempts in (1, 2, 3):
            builder.start()
            assert wait_until(partial(has_attempts, cluster, build_id, attempts), 60)
            builder.crash()
        builder.start()
        build = user.wait(build_id, timeout=90)
    assert build["status"] == "FAILED"
    assert build["status_info"].startswith("worker_lost: three attempts at stage prefix")


def has_stage(cluster: Cluster, build_id: int, stage: str) -> bool:
    """Whether the ledger has asked for a stage of a build."""
    return bool(query(cluster, f"SELECT 1 FROM build_stage WHERE build_id = {build_id} AND stage = '{stage}'"))


def has_attempts(cluster: Cluster, build_id: int, count: int) -> bool:
    """Whether the ledger knows of so many attempts at the prefix."""
    return len(query(cluster, f"SELECT 1 FROM stage_attempt WHERE build_id = {build_id} AND stage = 'prefix'")) >= count


def test_builder_that_sleeps_through_its_work_harms_nothing_when_it_wakes(cluster: Cluster, user: User) -> None:
    sleeper, other = cluster.process("builder"), cluster.suite.make("builder")
    channel = urlsplit(user.channel)
    with TcpProxy(channel.port or 80) as proxy:
        user.channel = f"http://127.0.0.1:{proxy.port}{channel.path}"
        sleeper.stop()
        build_id = user.submit(f"sleeper-{uuid.uuid4().hex[:8]}", ["demo-link-script"])
        assert wait_until(partial(has_stage, cluster, build_id, "prefix"), 60)
        proxy.black_hole = True
        sleeper.start()
        assert wait_until(partial(has_attempts, cluster, build_id, 1), 60)
        sleeper.pause()
        proxy.heal()
        with other:
            assert user.wait(build_id, timeout=120)["status"] == "COMPLETED"
        prefix = Path(user.wait_for_artifacts(build_id, "DIRECTORY", "CONDA_PACK")["DIRECTORY"])
        before = sorted(path.relative_to(prefix) for path in prefix.rglob("*"))
        sleeper.resume()
        assert wait_until(partial(no_attempt_is_left, prefix), 90)
        assert wait_until(sleeper.is_ready, 60)
        assert user.wait(user.submit(f"later-{uuid.uuid4().hex[:8]}", ["demo-text"]))["status"] == "COMPLETED"
    assert sorted(path.relative_to(prefix) for path in prefix.rglob("*")) == before
    assert user.build(build_id)["status"] == "COMPLETED"


def no_attempt_is_left(prefix: Path) -> bool:
    """Whether no unfinished directory of a build lies beside its prefix."""
    return not list(prefix.parent.glob(f".attempt-{prefix.name}*"))


@pytest.mark.parametrize("delay", [0.0, 0.4, 0.8, 1.2, 1.6])
def test_cancel_that_crosses_the_build_leaves_one_clean_state(cluster: Cluster, user: User, delay: float) -> None:
    name = f"crossing-{uuid.uuid4().hex[:8]}"
    build_id = user.submit(name, LARGE)
    time.sleep(delay)
    user.client.put(f"/api/v1/build/{build_id}/cancel/").raise_for_status()
    build = user.wait(build_id)
    if build["status"] == "COMPLETED":
        assert Path(user.wait_for_artifacts(build_id, "DIRECTORY")["DIRECTORY"]).is_dir()
        return
    assert build["status"] == "CANCELED"
    row = query(cluster, f"SELECT build_key FROM build WHERE id = {build_id}")[0]
    namespace = cluster.suite.store_directory / "default"
    assert wait_until(lambda: not list(namespace.glob(f"{row[0]}*")), 30)
    assert wait_until(lambda: not list(namespace.glob(f".attempt-{row[0]}*")), 30)
    assert not (namespace / "envs" / name).exists()
