"""The options of artifacts, as plain values."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from traitlets.config import Config

from conda_store_artifacts.adapters.conda_pack_packer import PackOptions
from conda_store_artifacts.domain.fragment import Codec
from conda_store_artifacts.use_cases.image_tools import ImageOptions, PushTarget
from conda_store_shared.assembly.object_storage import is_remote
from conda_store_shared.conda.credentials import Credentials
from conda_store_shared.conda.package_check import PackageLimits
from conda_store_shared.conda.sandbox.confinement import AUTO
from conda_store_shared.config.authorization import authorization_values
from conda_store_shared.config.conda_store import CondaStore
from conda_store_shared.config.directories import cache_directory
from conda_store_shared.config.registry import ContainerRegistry
from conda_store_shared.config.server import CondaStoreServer
from conda_store_shared.config.worker import CondaStoreWorker
from conda_store_shared.web.authentication import AuthorizationOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactsOptions:
    """How artifacts are made.

    ``concurrency`` are made at once, on local disk: packages are kept in ``cache_directory``, copies of fragments in
    ``fragment_directory`` unless it is None, and everything else comes and goes below ``work_directory``, best on the
    same volume.  What nobody has used for ``grace`` seconds is looked for every ``collect_interval`` seconds, and
    removed.  ``lent_caches`` are roots of package caches of builders on this machine, which are only read.
    ``memory_bytes`` limits each child that installs packages, ``limits`` is how large one may be, and ``sandbox`` tells
    whether their code is confined.  ``heartbeat`` and ``deadline`` (of all retries of an attempt together) are seconds;
    the deadline of one artifact is in its order.
    """

    work_directory: Path
    cache_directory: Path
    fragment_directory: Path | None = None
    concurrency: int = 1
    pack: PackOptions = field(default_factory=PackOptions)
    images: ImageOptions = field(default_factory=ImageOptions)
    lent_caches: tuple[Path, ...] = ()
    memory_bytes: int | None = None
    builds_sdists: bool = False
    sandbox: str = AUTO
    limits: PackageLimits = field(default_factory=PackageLimits)
    channel_credentials: Credentials = field(default_factory=dict, repr=False)
    grace: float = 86400.0
    collect_interval: float = 3600.0
    heartbeat: float = 10.0
    deadline: float = 1200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadOptions:
    """Who may download.

    ``url_prefix`` is the path that redirects lead below, ``registry`` host and port that images are pulled from.  A
    pull waits at most ``pull_limit`` seconds for its image.
    ``signing_key`` is a private key in PEM, empty when no provenance is signed; ``builder_id`` is who it then names.
    """

    authorization: AuthorizationOptions
    url_prefix: str = "/"
    registry: str = "localhost:8080"
    pull_limit: float = 600.0
    signing_key: str = field(default="", repr=False)
    builder_id: str = ""


def read_options(config: Config) -> ArtifactsOptions:
    """Return the options that ``config`` sets."""
    section, store = CondaStoreWorker(config=config), CondaStore(config=config)
    directory = Path(section.cache_directory or cache_directory()).absolute() / "artifacts"
    return ArtifactsOptions(
        work_directory=directory / "work",
        cache_directory=directory,
        # A copy of what is on a disk would only take more of it.
        fragment_directory=directory / "fragments" if is_remote(config) else None,
        concurrency=section.concurrency or os.cpu_count() or 1,
        images=_read_image_options(config),
        lent_caches=(Path(store.store_directory).absolute() / ".cache",),
        memory_bytes=section.install_memory,
        builds_sdists=section.builds_sdists,
        sandbox=section.sandbox,
        limits=PackageLimits(bytes=section.package_max_bytes, files=section.package_max_files),
        channel_credentials=dict(section.channel_credentials),
        # What a stage is about to use must not be removed.
        grace=max(section.unused_fragments_kept, 4 * store.max_artifact_time),
        collect_interval=section.collect_interval,
        heartbeat=section.heartbeat,
        deadline=store.max_artifact_time,
    )


def _read_image_options(config: Config) -> ImageOptions:
    section = ContainerRegistry(config=config)
    return ImageOptions(
        base=CondaStore(config=config).default_docker_base_image,
        codec=Codec(section.image_compression),
        registry=CondaStoreServer(config=config).registry_external_url,
        targets=tuple(
            PushTarget(
                address=address,
                open=function,
                name_image=section.container_registry_image_name,
                tag_image=section.container_registry_image_tag,
            )
            for address, function in sorted(section.container_registries.items())
        ),
    )


def read_download_options(config: Config) -> DownloadOptions:
    """Return the options that ``config`` sets for downloads."""
    server, section = CondaStoreServer(config=config), CondaStore(config=config)
    return DownloadOptions(
        authorization=AuthorizationOptions(**authorization_values(config)),
        url_prefix=server.url_prefix,
        registry=server.registry_external_url,
        signing_key=section.signing_key,
        builder_id=section.builder_id,
    )
