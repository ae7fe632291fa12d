"""The suite in containers, as docker-compose.yaml has it, on an engine of its own that leads nowhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from conda_store_shared.testing.demo_channel.channel import DemoChannel
from conda_store_shared.testing.servers.compose import ComposedSuite, build_images, copy_repository, make_secrets
from conda_store_shared.testing.servers.docker_engine import DockerEngine
from conda_store_shared.testing.servers.stand_ins import load_base_images
from tests.acceptance.user import User


@pytest.fixture(scope="session")
def engine() -> Iterator[DockerEngine]:
    """A Docker engine with the base images that Dockerfiles and docker-compose.yaml name."""
    with DockerEngine() as engine:
        load_base_images(engine)
        yield engine


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean copy of the repository, and secrets, which are there before anything is built."""
    directory = tmp_path_factory.mktemp("source")
    copy_repository(directory)
    make_secrets(directory)
    return directory


@pytest.fixture(scope="session")
def images(engine: DockerEngine, source: Path) -> DockerEngine:
    """The engine with every image of the suite."""
    build_images(engine, source)
    return engine


@pytest.fixture(scope="session")
def composed(images: DockerEngine, source: Path, demo_channel: DemoChannel) -> Iterator[ComposedSuite]:
    """The suite with two solvers and three builders, healthy."""
    with ComposedSuite(images, source, demo_channel.path) as suite:
        suite.up("--scale", "solver=2", "--scale", "builder=3")
        yield suite


@pytest.fixture
def user(composed: ComposedSuite) -> Iterator[User]:
    """Somebody who is logged in."""
    with User(composed, composed.channel, password=composed.password) as user:
        yield user
