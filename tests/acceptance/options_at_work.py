"""A suite in each mode whose one configuration file sets what it can, and where its parts are then."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from conda_store_shared.config.conda_store import current_platform
from conda_store_shared.testing.demo_channel.server import ChannelServer
from conda_store_shared.testing.servers import TcpProxy
from conda_store_shared.testing.servers.conda_store import QUICK, Backing, DistributedSuite, StandaloneSuite, Suite

PREFIX = "/store"
HUB = "https://hub.example"
BANNER = "<b>This is a test</b>"
PLATFORMS = [current_platform(), "osx-arm64"]
REGION = "eu-central-9"
# Only root gives files to others.
OWNER = (1234, 5678) if os.geteuid() == 0 else (os.geteuid(), os.getegid())


class Python(str):
    """What stands in a configuration file as it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def options(channel: str) -> dict[str, Any]:
    """Every option whose effect needs no suite of its own."""
    alias, _, short = channel.rpartition("/")
    return {
        **QUICK,
        "CondaStore.default_namespace": "people",
        "CondaStore.build_directory": "{store_directory}/built/{namespace}/{name}",
        "CondaStore.environment_directory": "{store_directory}-links/{namespace}-{name}",
        "CondaStore.build_key_version": 1,
        "CondaStore.build_artifacts": ["YAML"],
        "CondaStore.build_artifacts_kept_on_deletion": ["YAML"],
        "CondaStore.conda_channel_alias": alias,
        "CondaStore.conda_default_channels": [short],
        "CondaStore.conda_allowed_channels": [short],
        "CondaStore.conda_indexed_channels": [short],
        "CondaStore.conda_platforms": ["osx-64"],
        "CondaStore.conda_solve_platforms": PLATFORMS,
        "CondaStore.conda_default_packages": ["demo-versions ==1.0"],
        "CondaStore.conda_included_packages": ["demo-text"],
        "CondaStore.conda_required_packages": ["demo-versions"],
        "CondaStore.default_uid": OWNER[0],
        "CondaStore.default_gid": OWNER[1],
        "CondaStore.default_permissions": "750",
        "CondaStoreServer.url_prefix": f"{PREFIX}/",
        "CondaStoreServer.behind_proxy": True,
        "CondaStoreServer.max_page_size": 2,
        "CondaStoreServer.cors_allow_origins": [HUB],
        "CondaStoreServer.template_vars": {"banner": BANNER},
        "CondaStoreServer.additional_routes": Python(
            '[("/hello", "get", lambda request: {"at": request.url.path})]'
        ),
        "CondaStoreServer.log_level": "WARNING",
        "CondaStoreWorker.log_level": 20,
        "CondaStoreWorker.concurrency": 1,
        "Authentication.cookie_name": "own-cookie",
        "Authentication.login_html": "<form id='own' action=\"{{ url_for('post_login_method') }}\"></form>",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Optioned:
    """A running suite, the address its objects are downloaded from, and the events in the log of each process."""

    suite: Suite
    objects: str

    def log(self, name: str) -> str:
        """The log of a process."""
        return self.suite.processes[name].log.read_text()


@contextmanager
def standalone(directory: Path, set_options: Mapping[str, Any]) -> Iterator[Optioned]:
    """One process, whose objects another server shows."""
    (directory / "storage").mkdir()
    with ChannelServer(directory / "storage") as files:
        url = {"LocalStorage.storage_url": files.url}
        with StandaloneSuite(directory, {**set_options, **url}) as suite:
            yield Optioned(suite=suite, objects=f"{files.url}/")


@contextmanager
def distributed(directory: Path, set_options: Mapping[str, Any], backing: Backing) -> Iterator[Optioned]:
    """Five processes, whose bucket users reach at another address than they do."""
    with ExitStack() as stack:
        outside = stack.enter_context(TcpProxy(urlsplit(backing.bucket.account.endpoint).port or 80))
        address = {"S3Storage.external_endpoint": f"127.0.0.1:{outside.port}", "S3Storage.region": REGION}
        suite = stack.enter_context(DistributedSuite(directory, backing, {**set_options, **address}))
        yield Optioned(suite=suite, objects=f"http://127.0.0.1:{outside.port}/{backing.bucket.name}/")
