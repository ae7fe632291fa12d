"""Every process may be restarted, between stages and in the middle of one: the build goes on."""

import pytest

from conda_store_shared.testing.demo_channel.server import ChannelServer
from conda_store_shared.testing.servers.conda_store import DistributedSuite, StandaloneSuite
from tests.acceptance.user import User

DEMO = ["python", "numpy", "demo-prefix"]


@pytest.mark.timeout(180)
def test_standalone_resumes_builds_after_a_restart_in_mid_work(
    standalone_suite: StandaloneSuite, demo_channel_server: ChannelServer
) -> None:
    with User(standalone_suite, demo_channel_server.url) as user:
        builds = [user.submit(f"restart-{number}", DEMO) for number in range(3)]
        user.wait(builds[0], "BUILDING", "COMPLETED")
        standalone_suite.processes["standalone"].restart()
        for build_id in builds:
            assert user.wait(build_id, timeout=90)["status"] == "COMPLETED"


@pytest.mark.timeout(180)
def test_standalone_resumes_builds_after_a_crash(
    standalone_suite: StandaloneSuite, demo_channel_server: ChannelServer
) -> None:
    with User(standalone_suite, demo_channel_server.url) as user:
        builds = [user.submit(f"crash-{number}", DEMO) for number in range(3)]
        user.wait(builds[0], "BUILDING", "COMPLETED")
        process = standalone_suite.processes["standalone"]
        process.crash()
        process.start()
        for build_id in builds:
            assert user.wait(build_id, timeout=90)["status"] == "COMPLETED"


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", DistributedSuite.names)
def test_build_completes_while_one_service_restarts_in_mid_work(
    distributed_suite: DistributedSuite, demo_channel_server: ChannelServer, name: str
) -> None:
    with User(distributed_suite, demo_channel_server.url) as user:
        before = user.submit(f"before-{name}", DEMO)
        user.wait(before, "BUILDING", "COMPLETED")
        distributed_suite.processes[name].restart()
        after = user.submit(f"after-{name}", ["demo-text"])
        for build_id in (before, after):
            assert user.wait(build_id, timeout=90)["status"] == "COMPLETED"
            user.wait_for_artifacts(build_id, "CONDA_PACK", "LOGS")
