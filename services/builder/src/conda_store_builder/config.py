"""The options of builder, as plain values."""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from traitlets.config import Config

from conda_store_shared.conda.credentials import Credentials
from conda_store_shared.conda.ownership import Ownership
from conda_store_shared.conda.package_check import PackageLimits
from conda_store_shared.conda.sandbox.confinement import AUTO
from conda_store_shared.config.conda_store import CondaStore
from conda_store_shared.config.worker import CondaStoreWorker
from conda_store_shared.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class BuilderOptions:
    """How the builder works.

    Builders that share ``store_directory`` serve the same environments.  ``cache_directory`` (default: ``.cache`` in
    the store directory) should be on the same volume, or files are copied instead of linked.  ``concurrency`` installs
    run at once, each within ``memory_bytes``.  ``builds_sdists`` lets pip packages that are no wheels run their own
    code to be built; ``sandbox`` tells whether code of packages is confined (see ``conda.sandbox.confinement``),
    ``limits`` how large a package may be.
    ``channel_credentials`` are of channels and package indexes, by name.  ``pip_environment`` sets uv up (indexes,
    certificates), ``environment`` is what a child needs beyond the usual (proxies).  ``heartbeat``, ``deadline`` (of
    all retries of an attempt together), ``sweep_interval`` and ``measure_interval`` are seconds.  ``watch_paths`` are
    files and directories of specifications, all looked at every ``watch_interval`` seconds.
    """

    store_directory: Path
    cache_directory: Path | None = None
    concurrency: int = 2
    memory_bytes: int | None = None
    recycle_bytes: int = 512 * 1024**2
    recycle_calls: int = 50
    builds_sdists: bool = False
    sandbox: str = AUTO
    limits: PackageLimits = field(default_factory=PackageLimits)
    channel_credentials: Credentials = field(default_factory=dict, repr=False)
    pip_environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    environment: Mapping[str, str] = field(default_factory=dict)
    heartbeat: float = 10.0
    deadline: float = 1200.0
    sweep_interval: float = 300.0
    measure_interval: float = 60.0
    watch_paths: tuple[Path, ...] = ()
    watch_interval: float = 60.0


def read_options(config: Config) -> BuilderOptions:
    """Return the options that ``config`` sets; raises ConfigurationError for an owner who cannot be given prefixes."""
    section = CondaStoreWorker(config=config)
    store = CondaStore(config=config)
    check_owner(config, os.geteuid(), (os.getegid(), *os.getgroups()))
    return BuilderOptions(
        store_directory=Path(store.store_directory).absolute(),
        concurrency=section.concurrency or os.cpu_count() or 1,
        memory_bytes=section.install_memory,
        builds_sdists=section.builds_sdists,
        sandbox=section.sandbox,
        limits=PackageLimits(bytes=section.package_max_bytes, files=section.package_max_files),
        channel_credentials=dict(section.channel_credentials),
        heartbeat=section.heartbeat,
        deadline=store.max_install_time,
        watch_paths=tuple(Path(path).absolute() for path in section.watch_paths),
        watch_interval=section.watch_interval,
    )


def check_owner(config: Config, uid: int, groups: Collection[int]) -> None:
    """Raise ConfigurationError when a process of that user in those groups cannot own prefixes as ``config`` says."""
    # Unless they are set, they are whoever happens to run api.
    named = {name: config.CondaStore[name] for name in ("default_uid", "default_gid") if name in config.CondaStore}
    wanted = Ownership(uid=named.get("default_uid"), gid=named.get("default_gid"))
    if wanted.within_reach_of(uid, groups) != wanted:
        told = " and ".join(f"CondaStore.{name}={value}" for name, value in named.items())
        raise ConfigurationError(
            f"{told}: the builder runs as user {uid} in the groups {', '.join(map(str, sorted(groups)))}, and only "
            "root gives files to others; run it as root, or leave the options out"
        )
