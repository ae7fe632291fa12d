"""What hooks of a deployment see of the rows: copies, by the names that hooks know (contract §4.6)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceView:
    """A namespace."""

    id: int
    name: str
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildView:
    """A build; ``path`` is its prefix and ``link`` the symbolic link of its environment, None where it has none.

    ``size`` is in bytes, ``status`` one of QUEUED, BUILDING, COMPLETED, FAILED, CANCELED; times are UTC without a zone.
    """

    id: int
    status: str
    status_info: str | None
    build_key: str
    size: int
    scheduled_on: datetime
    started_on: datetime | None
    ended_on: datetime | None
    path: str | None
    link: str | None
    specification: Mapping[str, Any]

    def build_path(self, conda_store: object = None) -> Path | None:
        """The prefix, as hooks of old ask for it."""
        del conda_store
        return None if self.path is None else Path(self.path)

    def environment_path(self, conda_store: object = None) -> Path | None:
        """The symbolic link, as hooks of old ask for it."""
        del conda_store
        return None if self.link is None else Path(self.link)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentView:
    """An environment with its current build, None while it has none."""

    id: int
    name: str
    namespace: NamespaceView
    description: str | None
    current_build_id: int | None
    current_build: BuildView | None
