"""The suite in both modes, an engine, and other people's clients of registries."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from conda_store_shared.testing.demo_channel.server import ChannelServer
from conda_store_shared.testing.servers import Databases, S3Account, VirtualHosts
from conda_store_shared.testing.servers.conda_store import QUICK, Backing, DistributedSuite, StandaloneSuite, Suite
from conda_store_shared.testing.servers.docker_engine import DockerEngine
from conda_store_shared.testing.servers.image_clients import Podman, Skopeo
from conda_store_shared.testing.servers.image_registry import PASSWORD, USER, ImageRegistry
from conda_store_shared.testing.servers.token_server import TokenServer
from tests.acceptance.user import User


@pytest.fixture(scope="session")
def image_options(guarded_registry: ImageRegistry, token_registry: ImageRegistry) -> str:
    """Lines of a configuration file: where images are pushed to, and what those of some environments stand upon."""
    return f"""
from python_docker.registry import Registry

c.ContainerRegistry.container_registries = {{
    url: lambda url: Registry(url, username={USER!r}, password={PASSWORD!r})
    for url in ({guarded_registry.url!r}, {token_registry.url!r})
}}

def base_of(build):
    return "{guarded_registry.host}/base:1" if build.environment.name.startswith("based-") else "builtin"

c.CondaStore.default_docker_base_image = base_of
"""


@pytest.fixture(scope="session")
def standalone_suite(
    demo_channel_server: ChannelServer, image_options: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Suite]:
    """The suite in one process, on local files."""
    options = {**QUICK, "CondaStore.conda_default_channels": [demo_channel_server.url]}
    with StandaloneSuite(tmp_path_factory.mktemp("standalone"), options, image_options) as suite:
        yield suite


@pytest.fixture(scope="session")
def distributed_suite(
    backing: Backing,
    demo_channel_server: ChannelServer,
    image_options: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Suite]:
    """The suite as five processes, on S3."""
    options = {**QUICK, "CondaStore.conda_default_channels": [demo_channel_server.url]}
    with DistributedSuite(tmp_path_factory.mktemp("distributed"), backing, options, image_options) as suite:
        yield suite


@pytest.fixture(scope="session")
def backing(
    postgres_server: Databases, postgres_template: str, rabbitmq_server: VirtualHosts, s3_server: S3Account
) -> Backing:
    """What five processes stand on."""
    return Backing(
        database_url=postgres_server.create_database(postgres_template),
        amqp_url=rabbitmq_server.create_vhost(),
        bucket=s3_server.create_bucket(),
    )


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


@pytest.fixture(scope="session")
def token_server() -> Iterator[TokenServer]:
    """What gives out tokens for a registry."""
    with TokenServer(USER, PASSWORD) as server:
        yield server


@pytest.fixture(scope="session")
def token_registry(token_server: TokenServer) -> Iterator[ImageRegistry]:
    """A registry that wants a token."""
    with ImageRegistry(tokens=token_server) as registry:
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
