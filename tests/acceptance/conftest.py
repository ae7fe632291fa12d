"""The suite in both modes, and a user of it; it ends with the last test of this package, not with the run."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conda_store_shared.testing.demo_channel.server import ChannelServer
from conda_store_shared.testing.servers import Databases, S3Account, VirtualHosts
from conda_store_shared.testing.servers.conda_store import QUICK, Backing, DistributedSuite, StandaloneSuite, Suite
from conda_store_shared.testing.servers.otlp_sink import OtlpSink
from tests.acceptance.cluster import Cluster
from tests.acceptance.command_line import CommandLine
from tests.acceptance.user import User


@pytest.fixture(scope="package")
def standalone_suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    """The suite in one process."""
    with StandaloneSuite(tmp_path_factory.mktemp("standalone")) as suite:
        yield suite


@pytest.fixture(scope="package")
def make_backing(
    postgres_server: Databases, postgres_template: str, rabbitmq_server: VirtualHosts, s3_server: S3Account
) -> Callable[[], Backing]:
    """Make a database, a virtual host and a bucket for one suite."""
    return lambda: Backing.narrow(
        postgres_server,
        rabbitmq_server,
        postgres_server.create_database(postgres_template),
        s3_server.create_bucket(),
    )


@pytest.fixture(scope="package")
def backing(make_backing: Callable[[], Backing]) -> Backing:
    """What the suite of five processes stands on."""
    return make_backing()


@pytest.fixture(scope="package")
def collector() -> Iterator[OtlpSink]:
    """Where the five processes tell what they do."""
    with OtlpSink() as sink:
        yield sink


@pytest.fixture(scope="package")
def distributed_suite(
    backing: Backing, collector: OtlpSink, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DistributedSuite]:
    """The suite as five processes, traced."""
    options = {**QUICK, "Traces.endpoint": collector.url}
    with DistributedSuite(tmp_path_factory.mktemp("distributed"), backing, options) as suite:
        yield suite


@pytest.fixture(scope="package", params=["standalone", "distributed"])
def suite(request: pytest.FixtureRequest) -> Suite:
    """The suite in each mode."""
    found: Suite = request.getfixturevalue(f"{request.param}_suite")
    return found


@pytest.fixture(scope="package")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Five processes on their own PostgreSQL, RabbitMQ and S3: tests kill any of them, and start it again."""
    with Cluster(tmp_path_factory.mktemp("cluster")).running() as cluster:
        yield cluster


@pytest.fixture
def user(suite: Suite, demo_channel_server: ChannelServer) -> Iterator[User]:
    """Somebody who is logged in."""
    with User(suite, demo_channel_server.url) as user:
        yield user


@pytest.fixture
def conda_store(suite: Suite, demo_channel_server: ChannelServer, tmp_path: Path) -> CommandLine:
    """The command, for the suite in each mode."""
    return CommandLine(suite.url, demo_channel_server.url, tmp_path)


@pytest.fixture
def command(standalone_suite: Suite, demo_channel_server: ChannelServer, tmp_path: Path) -> CommandLine:
    """The command, for the suite in one process."""
    return CommandLine(standalone_suite.url, demo_channel_server.url, tmp_path)


@pytest.fixture(scope="package")
def small(standalone_suite: Suite, demo_channel_server: ChannelServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The id of a completed build of a small environment, `carol/small`."""
    command = CommandLine(standalone_suite.url, demo_channel_server.url, tmp_path_factory.mktemp("small"))
    build = command("create", command.specification(["demo-text"], "small"), "--no-wait").stdout.strip()
    command("wait", build, "--artifact", "archive", "--interval", "0.1", "--timeout", "60")
    return build
