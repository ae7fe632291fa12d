"""The options of artifacts, as plain values."""

import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from traitlets.config import Config

from conda_store_artifacts.adapters.conda_pack_packer import PackOptions
from conda_store_shared.config.authorization import authorization_values
from conda_store_shared.config.conda_store import CondaStore
from conda_store_shared.config.server import CondaStoreServer
from conda_store_shared.config.worker import CondaStoreWorker
from conda_store_shared.web.authentication import AuthorizationOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactsOptions:
    """How artifacts are made.

    ``concurrency`` are made at once, each archive below ``work_directory`` on local disk first.  ``heartbeat`` and
    ``deadline`` (of all retries of an attempt together) are seconds; the deadline of one artifact is in its order.
    """

    work_directory: Path
    concurrency: int = 1
    pack: PackOptions = field(default_factory=PackOptions)
    heartbeat: float = 10.0
    deadline: float = 1200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadOptions:
    """Who may download.

    ``url_prefix`` is the path that redirects lead below, ``registry`` host and port that images are pulled from.  A
    pull waits at most ``pull_limit`` seconds for its image.
    """

    authorization: AuthorizationOptions
    url_prefix: str = "/"
    registry: str = "localhost:8080"
    pull_limit: float = 600.0


def read_options(config: Config) -> ArtifactsOptions:
    """Return the options that ``config`` sets."""
    section = CondaStoreWorker(config=config)
    return ArtifactsOptions(
        work_directory=Path(tempfile.gettempdir()) / "conda-store-artifacts",
        concurrency=section.concurrency or os.cpu_count() or 1,
        heartbeat=section.heartbeat,
        deadline=CondaStore(config=config).max_artifact_time,
    )


def read_download_options(config: Config) -> DownloadOptions:
    """Return the options that ``config`` sets for downloads."""
    server = CondaStoreServer(config=config)
    return DownloadOptions(
        authorization=AuthorizationOptions(**authorization_values(config)),
        url_prefix=server.url_prefix,
        registry=server.registry_external_url,
    )
