"""The platforms of conda in the words of uv and of wheels."""

import re
from collections.abc import Iterable, Iterator

from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms
from packaging.utils import parse_wheel_filename

# Platforms uv can resolve for, and the architecture in the names of their wheels.
_LINUX = {"linux-64": "x86_64", "linux-aarch64": "aarch64"}
_MACOS = {"osx-64": "x86_64", "osx-arm64": "arm64"}
_WINDOWS = {"win-64": "win_amd64"}
_UV = {
    "osx-64": "x86_64-apple-darwin",
    "osx-arm64": "aarch64-apple-darwin",
    "win-64": "x86_64-pc-windows-msvc",
}
# The minor versions of glibc 2 uv knows, and the oldest for which there are wheels.
_GLIBC_MINORS = (17, 28, *range(31, 41))
_OLDEST_GLIBC = 5
_LEGACY = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
_DEFAULT_GLIBC = "2.17"
_DEFAULT_MACOS = "11.0"


def uv_platform(platform: str, glibc: str | None) -> str | None:
    """What uv calls ``platform`` with ``glibc``; None when uv cannot resolve for it."""
    if platform not in _LINUX:
        return _UV.get(platform)
    minor = _minor(glibc or _DEFAULT_GLIBC)
    known = max((one for one in _GLIBC_MINORS if one <= minor), default=_GLIBC_MINORS[0])
    return f"{_LINUX[platform]}-manylinux_2_{known}"


def wheel_tags(platform: str, python_version: str, glibc: str | None, macos: str | None) -> list[Tag]:
    """Tags of the wheels that CPython ``python_version`` takes on ``platform``, best first."""
    python = tuple(int(part) for part in re.findall(r"\d+", python_version)[:2])
    platforms = list(_wheel_platforms(platform, glibc, macos))
    interpreter = f"cp{''.join(map(str, python))}"
    return [*cpython_tags(python, platforms=platforms), *compatible_tags(python, interpreter, platforms)]


def best_wheel(filenames: Iterable[str], tags: list[Tag]) -> str | None:
    """The file name whose tags come first in ``tags``; None when none of them fits."""
    order = {tag: position for position, tag in enumerate(tags)}
    ranked = []
    for filename in filenames:
        positions = [order[tag] for tag in parse_wheel_filename(filename)[3] if tag in order]
        if positions:
            ranked.append((min(positions), filename))
    return min(ranked)[1] if ranked else None


def _wheel_platforms(platform: str, glibc: str | None, macos: str | None) -> Iterator[str]:
    if platform in _LINUX:
        architecture = _LINUX[platform]
        for minor in range(_minor(glibc or _DEFAULT_GLIBC), _OLDEST_GLIBC - 1, -1):
            yield f"manylinux_2_{minor}_{architecture}"
            if minor in _LEGACY:
                yield f"{_LEGACY[minor]}_{architecture}"
        yield f"linux_{architecture}"
    elif platform in _MACOS:
        numbers = [int(part) for part in re.findall(r"\d+", macos or _DEFAULT_MACOS)]
        yield from mac_platforms((numbers[0], numbers[1] if len(numbers) > 1 else 0), _MACOS[platform])
    elif platform in _WINDOWS:
        yield _WINDOWS[platform]


def _minor(version: str) -> int:
    numbers = re.findall(r"\d+", version)
    return int(numbers[1]) if len(numbers) > 1 else 0
