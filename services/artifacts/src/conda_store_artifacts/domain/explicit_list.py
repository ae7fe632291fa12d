"""The packages of a build as conda's explicit list, the lockfile of builds made before there were lockfiles."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPackage:
    """One file of a channel, as it was installed."""

    channel: str
    subdir: str
    name: str
    version: str
    build: str
    md5: str


def write_explicit_list(packages: Sequence[ListedPackage]) -> str:
    """Return the text that ``conda create --file`` reads."""
    platform = next((package.subdir for package in packages if package.subdir != "noarch"), "noarch")
    lines = [f"#platform: {platform}", "@EXPLICIT"]
    lines += [
        f"{package.channel.rstrip('/')}/{package.subdir}/{package.name}-{package.version}-{package.build}.tar.bz2"
        f"#{package.md5}"
        for package in packages
    ]
    return "\n".join(lines)
