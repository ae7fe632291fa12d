"""Packages as a solve finds them, before they are written into a lockfile."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaPackage:
    """A conda package of a solution; ``depends`` are MatchSpecs, ``purls`` name what it is elsewhere."""

    name: str
    version: str
    build: str
    url: str
    md5: str
    sha256: str | None
    depends: tuple[str, ...]
    purls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PipPackage:
    """A wheel of a solution; ``name`` is normalised, ``sha256`` in hex."""

    name: str
    version: str
    url: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformSolution:
    """Everything one platform needs."""

    platform: str
    conda: tuple[CondaPackage, ...]
    pip: tuple[PipPackage, ...] = ()
