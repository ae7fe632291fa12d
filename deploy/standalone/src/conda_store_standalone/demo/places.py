"""Where the demo keeps its things, and the configuration that tells the server so."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from conda_store_standalone.demo.failure import DemoFailed

NAMESPACE = "demo"
ENVIRONMENT = "first"
USERNAME = "demo"
PASSWORD = "password"  # noqa: S105 - the default of a login that is for trying things out

_OF_BUILD = "build-"
_CONFIGURATION = """\
# Written by `make demo`.  Try it: conda-store-server --standalone --config {file}
c.CondaStoreServer.address = "127.0.0.1"
c.CondaStoreServer.port = {port}
c.CondaStore.database_url = "sqlite:///{root}/conda-store.sqlite"
c.CondaStore.store_directory = "{root}/state"
c.CondaStore.conda_default_channels = ["{channel}"]
c.CondaStore.conda_indexed_channels = {indexed}
c.CondaStore.index_interval = 30
c.CondaStore.storage_threshold = 0
c.CondaStore.build_artifacts = ["LOCKFILE", "YAML", "CONDA_PACK", "CONSTRUCTOR_INSTALLER", "DOCKER_MANIFEST"]
c.CondaStoreServer.registry_external_url = "127.0.0.1:{port}"
c.LocalStorage.storage_path = "{root}/storage"
c.CondaStoreWorker.cache_directory = "{root}/cache"
"""


@dataclass(frozen=True, slots=True)
class Places:
    """Everything is below ``root``, an absolute directory that is kept between runs."""

    root: Path

    @property
    def configuration(self) -> Path:
        """The server's configuration file."""
        return self.root / "conda_store_config.py"

    @property
    def database(self) -> Path:
        """The server's database."""
        return self.root / "conda-store.sqlite"

    @property
    def server_log(self) -> Path:
        """What the server says."""
        return self.root / "server.log"

    @property
    def channel_log(self) -> Path:
        """What the server of the demo channel says."""
        return self.root / "channel.log"

    @property
    def link(self) -> Path:
        """Leads to the prefix of the environment's current build."""
        return self.root / "state" / NAMESPACE / "envs" / ENVIRONMENT

    def stored(self, key: str) -> Path:
        """The object ``key`` of the server's object store."""
        return self.root / "storage" / key

    def unpacked(self, build_id: int) -> Path:
        """Where the archive of a build is unpacked."""
        return self.root / "unpacked" / f"{_OF_BUILD}{build_id}"

    def installed(self, build_id: int) -> Path:
        """Where the installer of a build installs; the installer itself lies beside it."""
        return self.root / "installed" / f"{_OF_BUILD}{build_id}"

    def outdated(self, kept: int) -> Iterator[Path]:
        """What was unpacked and installed by earlier runs but the last ``kept``."""
        for directory in ("unpacked", "installed"):
            found = {path.stem for path in (self.root / directory).glob(f"{_OF_BUILD}*")}
            ordered = sorted(found, key=lambda name: int(name.removeprefix(_OF_BUILD)))
            for name in ordered[:-kept]:
                yield from (self.root / directory / name, self.root / directory / f"{name}.sh")

    def write_configuration(self, *, port: int, channel: str) -> None:
        """Write the server's configuration."""
        # The channel of this machine is listed in a moment, one of the world in minutes.
        indexed = [channel] if channel.startswith("http://127.0.0.1:") else []
        text = _CONFIGURATION.format(
            file=self.configuration, root=self.root, port=port, channel=channel, indexed=indexed
        )
        self.configuration.write_text(text)


@contextmanager
def opened_places(directory: Path) -> Iterator[Places]:
    """Make ``directory`` and hold it; raises DemoFailed when another demo holds it."""
    root = directory.resolve()
    root.mkdir(parents=True, exist_ok=True)
    with (root / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoFailed(f"another demo is at work in {root}; wait for it, or give --directory") from None
        yield Places(root)
