"""A build's order: everything the stages need to know, resolved once when the build is created (design §3.4)."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from conda_store_shared.domain.canonical import canonical_json, sha256_hex
from conda_store_shared.domain.channel_priority import ChannelPriority


@dataclass(frozen=True, slots=True, kw_only=True)
class SolveOrder:
    """What the solver needs.

    ``channels`` are base addresses, highest priority first; ``allowed_channels`` empty permits all.
    ``virtual_packages`` maps a platform to names and versions that stand above the defaults of that platform.
    ``lockfile`` is what a user submitted instead of a specification; then nothing is solved.
    ``channel_priority`` is one of ``domain.channel_priority``; ``deadline`` is in seconds.
    """

    specification: Mapping[str, Any]
    channels: tuple[str, ...]
    allowed_channels: tuple[str, ...] = ()
    platforms: tuple[str, ...]
    virtual_packages: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    lockfile: Mapping[str, Any] | None = None
    channel_priority: str = ChannelPriority.STRICT.value
    deadline: float

    def to_bytes(self) -> bytes:
        """The stored form of an order without a build: canonical JSON."""
        return canonical_json(dataclasses.asdict(self))

    @classmethod
    def from_bytes(cls, content: bytes) -> "SolveOrder":
        """Read the stored form, which only api writes."""
        return cls(**_with_tuples(json.loads(content)))


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefixOrder:
    """What the builder needs.

    ``path`` is the final prefix, ``link`` the environment's symbolic link (None: this key format has none).
    ``permissions`` are three octal digits; ``link_mode`` is ``auto`` or ``copy``; ``deadline`` is in seconds.
    """

    platform: str
    path: str
    link: str | None
    uid: int | None
    gid: int | None
    permissions: str | None
    link_mode: str = "auto"
    deadline: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One build's order.  ``artifacts`` are the wanted types beyond DIRECTORY, LOCKFILE and LOGS."""

    build_id: int
    build_key: str
    namespace: str
    environment: str
    solve: SolveOrder
    prefix: PrefixOrder
    artifacts: tuple[str, ...]
    artifact_deadline: float

    def to_bytes(self) -> bytes:
        """The stored form: canonical JSON."""
        return canonical_json(dataclasses.asdict(self))

    @classmethod
    def from_bytes(cls, content: bytes) -> "Order":
        """Read the stored form, which only api writes."""
        return cls.from_value(json.loads(content))

    def to_value(self) -> dict[str, Any]:
        """The order as plain values, for a JSON column."""
        value: dict[str, Any] = json.loads(self.to_bytes())
        return value

    @classmethod
    def from_value(cls, value: Mapping[str, Any]) -> "Order":
        """Read plain values."""
        rest = {key: element for key, element in value.items() if key not in ("solve", "prefix")}
        return cls(
            solve=SolveOrder(**_with_tuples(value["solve"])),
            prefix=PrefixOrder(**value["prefix"]),
            **_with_tuples(rest),
        )

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the stored form."""
        return sha256_hex(self.to_bytes())


def _with_tuples(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(element) if isinstance(element, list) else element for key, element in value.items()}
