"""The suite in both modes, an engine, and other people's clients of registries."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from conda_store_shared.testing.demo_channel.server import ChannelServer
from conda_store_shared.testing.servers import Databases, S3Account, VirtualHosts
from conda_store_shared.testing.servers.conda_store import Backing, DistributedSuite, StandaloneSuite, Suite
from conda_store_shared.testing.servers.docker_engine import DockerEngine
from conda_store_shared.testing.servers.image_clients import Podman, Skopeo
from conda_store_shared.testing.servers.image_registry import ImageRegistry
from tests.acceptance.user import User


@pytest.fixture(scope="session")
def standalone_suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    """The suite in one process, on local files."""
    with StandaloneSuite(tmp_path_factory.mktemp("standalone")) as suite:
        yield suite


@pytest.fixture(scope="session")
def distributed_suite(
    postgres_server: Databases,
    postgres_template: str,
    rabbitmq_server: VirtualHosts,
    s3_server: S3Account,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Suite]:
    """The suite as five processes, on S3."""
    backing = Backing(
        database_url=postgres_server.create_database(postgres_template),
        amqp_url=rabbitmq_server.create_vhost(),
        bucket=s3_server.create_bucket(),
    )
    with DistributedSuite(tmp_path_factory.mktemp("distributed"), backing) as suite:
        yield suite


@pytest.fixture(scope="session", params=["standalone", "distributed"])
def suite(request: pytest.FixtureRequest) -> Suite:
    """The suite in each mode."""
    found: Suite = request.getfixturevalue(f"{request.param}_suite")
    return found


@pytest.fixture(scope="session")
def user(suite: Suite, demo_channel_server: ChannelServer) -> Iterator[User]:
    """Somebody who is logged in."""
    with User(suite, demo_channel_server.url) as user:
        yield user


@pytest.fixture(scope="session")
def engine() -> Iterator[DockerEngine]:
    """A Docker engine without any image."""
    with DockerEngine() as engine:
        yield engine


@pytest.fixture(scope="session")
def guarded_registry() -> Iterator[ImageRegistry]:
    """A registry that wants a credential."""
    with ImageRegistry(guarded=True) as registry:
        yield registry


@pytest.fixture
def skopeo(tmp_path: Path) -> Skopeo:
    """A client without an engine."""
    return Skopeo(tmp_path)


@pytest.fixture(scope="session")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podman]:
    """An engine without a daemon."""
    podman = Podman(tmp_path_factory.mktemp("podman"))
    yield podman
    podman.remove_all()
