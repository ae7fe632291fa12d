"""A conda-lock version 1 document from packages that another lock holds."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from conda_store_shared.domain.canonical import canonical_json, sha256_hex

CONDA, PIP = "conda", "pip"
_DEPENDENCY = re.compile(r"(?:\S+::)?(?P<name>[A-Za-z0-9_.-]+)\s*(?P<rest>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPackage:
    """A package of a lock; ``hashes`` are ``md5`` and ``sha256`` in hex, ``depends`` MatchSpecs or requirements."""

    name: str
    version: str
    manager: str
    platform: str
    url: str
    hashes: Mapping[str, str]
    build: str | None = None
    depends: Sequence[str] = field(default=())

    def to_value(self) -> dict[str, Any]:
        """The package as conda-lock writes it."""
        value = {
            "name": self.name,
            "version": self.version,
            "manager": self.manager,
            "platform": self.platform,
            "dependencies": _by_name(self.depends) if self.manager == CONDA else {},
            "url": self.url,
            "hash": dict(self.hashes),
            "category": "main",
            "optional": False,
        }
        return value if self.build is None else {**value, "build": self.build}


def conda_lock_value(
    packages: Iterable[FoundPackage], platforms: Sequence[str], channels: Sequence[str], source: str
) -> dict[str, Any]:
    """Return the document; its content hashes are those of the packages, since nobody tells what was asked for."""
    rows = [package.to_value() for package in packages]
    hashes = {
        platform: sha256_hex(canonical_json([row for row in rows if row["platform"] == platform]))
        for platform in platforms
    }
    return {
        "version": 1,
        "metadata": {
            "content_hash": hashes,
            "channels": [{"url": channel, "used_env_vars": []} for channel in channels],
            "platforms": list(platforms),
            "sources": [source],
        },
        "package": rows,
    }


def _by_name(depends: Iterable[str]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for text in depends:
        told = _DEPENDENCY.fullmatch(text.strip())
        if told:
            found.setdefault(told["name"], []).append(told["rest"].strip())
    return {name: _together(versions) for name, versions in found.items()}


def _together(versions: Sequence[str]) -> str:
    """Several conditions on one package in one text; a build cannot be joined, and says the most."""
    told = [version for version in dict.fromkeys(versions) if version]
    with_build = [version for version in told if " " in version or "[" in version]
    return with_build[-1] if with_build else ",".join(told)
