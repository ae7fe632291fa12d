"""How builds are made in this deployment, as plain values."""

from dataclasses import dataclass, field
from pathlib import Path

from conda_store_shared.domain.artifact import PACKED_TYPES, ArtifactType


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildPolicy:
    """Values every new build's order is resolved from; deadlines are seconds, ``platform`` is the builders'.

    ``build_directory`` and ``environment_directory`` are templates with the keys store_directory, namespace and name.
    """

    default_namespace: str = "default"
    store_directory: Path
    build_directory: str = "{store_directory}/{namespace}"
    environment_directory: str = "{store_directory}/{namespace}/envs/{name}"
    build_key_version: int = 2
    platform: str
    solve_platforms: tuple[str, ...]
    channel_alias: str = "https://conda.anaconda.org"
    default_channels: tuple[str, ...] = ("conda-forge",)
    allowed_channels: tuple[str, ...] = ()
    artifacts: tuple[ArtifactType, ...] = field(default=PACKED_TYPES)
    uid: int | None = None
    gid: int | None = None
    permissions: str | None = "775"
    solve_deadline: float = 300
    install_deadline: float = 1200
    artifact_deadline: float = 1200
    build_deadline: float = 1800


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerOptions:
    """How the ledger releases and rescues; times are seconds.

    At most ``capacity`` builds run at once, ``per_namespace`` of one namespace.  Running work silent for ``silence`` is
    requested again, waiting work after ``unheard`` when its queue is empty.  ``alone`` says that all work of an earlier
    process died with it, as in standalone mode.
    """

    capacity: int = 8
    per_namespace: int = 8
    silence: float = 60
    unheard: float = 10
    rescue_interval: float = 10
    tick: float = 1
    alone: bool = False
