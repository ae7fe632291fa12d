"""How builds are made in this deployment, as plain values."""

from dataclasses import dataclass, replace
from pathlib import Path

from conda_store_shared.domain.artifact import PACKED_TYPES, ArtifactType
from conda_store_shared.domain.channel_priority import ChannelPriority
from conda_store_shared.domain.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildPolicy:
    """Values every new build's order is resolved from; deadlines are seconds, ``platform`` is the builders'.

    ``settings`` are those of the deployment until ``under`` puts an environment's in their place.
    ``build_directory`` and ``environment_directory`` are templates with the keys store_directory, namespace and name.
    ``longest_solve`` is what the broker's patience leaves room for, whatever is set.  Without
    ``completes_specifications`` or ``guards_storage`` a hook stands in the place of these rules (contract §4.6).
    """

    settings: Settings
    store_directory: Path
    build_directory: str = "{store_directory}/{namespace}"
    environment_directory: str = "{store_directory}/{namespace}/envs/{name}"
    build_key_version: int = 2
    platform: str
    channel_priority: ChannelPriority = ChannelPriority.STRICT
    longest_solve: float = 1440
    install_deadline: float = 1200
    artifact_deadline: float = 1200
    build_deadline: float = 1800
    completes_specifications: bool = True
    guards_storage: bool = True

    def under(self, settings: Settings) -> "BuildPolicy":
        """Return the same policy with other settings."""
        return replace(self, settings=settings)

    @property
    def solve_deadline(self) -> float:
        """Seconds a solve may take."""
        return min(self.settings.conda_max_solve_time, self.longest_solve)

    @property
    def artifacts(self) -> tuple[ArtifactType, ...]:
        """The wanted artifacts among those that can be made."""
        return tuple(artifact for artifact in PACKED_TYPES if artifact in self.settings.build_artifacts)


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerOptions:
    """How the ledger releases and rescues; times are seconds.

    At most ``capacity`` builds run at once, ``per_namespace`` of one namespace.  Running work silent for ``silence`` is
    requested again, waiting work after ``unheard`` when its queue is empty.  ``alone`` says that all work of an earlier
    process died with it, as in standalone mode.  A hook takes ``longest_hook`` at most.
    """

    capacity: int = 8
    per_namespace: int = 8
    silence: float = 60
    unheard: float = 10
    rescue_interval: float = 10
    tick: float = 1
    alone: bool = False
    longest_hook: float = 30
