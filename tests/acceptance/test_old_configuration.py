"""A configuration file as people have it starts the suite: only its addresses are of today (contract §5)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import pytest

from conda_store_shared.testing.demo_channel.server import ChannelServer
from conda_store_shared.testing.servers import Databases, S3Account, VirtualHosts
from conda_store_shared.testing.servers.conda_store import SECRET, CommandProcess
from conda_store_shared.testing.servers.process import wait_until
from conda_store_shared.testing.servers.s3 import Bucket
from tests.acceptance.user import User

FILE = """
import logging

import python_docker.registry
from conda_store_server.registry import ContainerRegistry
from conda_store_server.server.auth import DummyAuthentication
from conda_store_server.storage import S3Storage

# conda-store settings
c.CondaStore.storage_class = S3Storage
c.CondaStore.store_directory = "{directory}/state/"
c.CondaStore.environment_directory = "{directory}/envs/{{namespace}}-{{name}}"
c.CondaStore.database_url = "{database}"
c.CondaStore.redis_url = "redis://:password@redis:6379/0"
c.CondaStore.celery_broker_url = "{broker}"
c.CondaStore.default_permissions = "775"
c.CondaStore.conda_included_packages = ["demo-text"]
c.CondaStore.conda_indexed_channels = []
c.CondaStore.storage_threshold = 0

c.S3Storage.internal_endpoint = "{endpoint}"
c.S3Storage.internal_secure = False
c.S3Storage.external_endpoint = "{endpoint}"
c.S3Storage.external_secure = False
c.S3Storage.access_key = "{access_key}"
c.S3Storage.secret_key = "{secret_key}"
c.S3Storage.region = "us-east-1"
c.S3Storage.bucket_name = "{bucket}"

# server settings
c.CondaStoreServer.log_level = logging.INFO
c.CondaStoreServer.enable_ui = True
c.CondaStoreServer.enable_api = True
c.CondaStoreServer.enable_registry = True
c.CondaStoreServer.enable_metrics = True
c.CondaStoreServer.url_prefix = "/conda-store"
c.CondaStoreServer.behind_proxy = True
c.CondaStoreServer.template_vars = {{"banner": '<div class="alert">staging</div>', "logo": "/logo.svg"}}
c.CondaStoreServer.authentication_class = DummyAuthentication
c.DummyAuthentication.password = "password"
c.AuthenticationBackend.secret = "{secret}"

c.ContainerRegistry.container_registries = {{
    "https://registry-1.docker.io": lambda url: python_docker.registry.Registry(url, username="us", password="hidden")
}}

# worker settings
c.CondaStoreWorker.log_level = logging.INFO
c.CondaStoreWorker.watch_paths = []
c.CondaStoreWorker.concurrency = 2
"""


class Started(CommandProcess):
    """A command with the file."""

    def __init__(self, command: str, text: str) -> None:
        super().__init__((command,), {})
        self.arguments = tuple(f"--{name}={value}" for name, value in self.options.items())
        self._text = text

    def prepare(self) -> None:
        (self.directory / "conda_store_config.py").write_text(self._text)


class OldSuite:
    """A server and a worker, as there were before."""

    def __init__(self, text: str, store_directory: Path, bucket: Bucket) -> None:
        self.server, self.worker = Started("conda-store-server", text), Started("conda-store-worker", text)
        self.store_directory = store_directory
        self._bucket = bucket

    @property
    def url(self) -> str:
        """The public address, without a slash at the end."""
        return f"{self.server.url}/conda-store"

    @property
    def processes(self) -> dict[str, CommandProcess]:
        """Both."""
        return {"server": self.server, "worker": self.worker}

    def object_keys(self) -> set[str]:
        """The key of every object in the store."""
        return self._bucket.keys()

    def __enter__(self) -> Self:
        self.server.__enter__()
        self.worker.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.worker.discard()
        self.server.discard()


@pytest.fixture
def suite(
    postgres_server: Databases, rabbitmq_server: VirtualHosts, s3_server: S3Account, tmp_path: Path
) -> Iterator[OldSuite]:
    """Both on an empty database, an empty broker and an empty bucket."""
    bucket = s3_server.create_bucket()
    text = FILE.format(
        directory=tmp_path,
        database=postgres_server.create_database().replace("+asyncpg", "+psycopg2"),
        broker=rabbitmq_server.create_vhost(),
        endpoint=urlsplit(bucket.account.endpoint).netloc,
        access_key=bucket.account.access_key,
        secret_key=bucket.account.secret_key,
        bucket=bucket.name,
        secret=SECRET,
    )
    with OldSuite(text, tmp_path / "state", bucket) as suite:
        yield suite


def test_suite_builds_when_it_is_started_with_a_file_of_before(
    suite: OldSuite, demo_channel_server: ChannelServer, tmp_path: Path
) -> None:
    with User(suite, demo_channel_server.url) as user:
        build_id = user.submit("first", ["demo-prefix"])
        build = user.wait(build_id)
        assert build["status"] == "COMPLETED", build["status_info"]
        link = tmp_path / "envs" / "default-first"
        assert wait_until(link.is_symlink, 20)
        assert (link / "conda-meta").is_dir()
        # What the file has every environment include.
        assert list((link / "conda-meta").glob("demo-text-*.json"))
        lockfile = user.client.get(f"/api/v1/build/{build_id}/lockfile/")
    assert lockfile.status_code == 200
    log = suite.server.log.read_text()
    assert "CondaStore.redis_url has no effect: there is no Redis any more" in log
    assert "CondaStore.celery_broker_url names RabbitMQ and is used as Bus.url" in log
    assert not [secret for secret in ("hidden", SECRET, "redis://:password") if secret in log]
