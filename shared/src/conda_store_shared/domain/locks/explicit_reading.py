"""Reads ``@EXPLICIT`` lists, as ``conda list --explicit`` and ``conda-lock render`` write them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from conda_store_shared.domain.locks.conda_lock import CONDA, PIP, FoundPackage, conda_lock_value
from conda_store_shared.domain.package_address import PackageAddress
from conda_store_shared.domain.platforms import NOARCH
from conda_store_shared.errors import InvalidLockfile

MARK = "@EXPLICIT"
_MARKED = re.compile(rf"^[ \t]*{MARK}[ \t]*\r?$", re.MULTILINE)
_PLATFORM = re.compile(r"#\s*platform:\s*(?P<platform>\S+)\s*")
_PIP = re.compile(r"#\s*pip\s+(?P<name>\S+)\s*@\s*(?P<url>[^\s#]+)(?:\s+--hash=|#)?(?P<hash>\S*)\s*")
_HASH = re.compile(r"(?:(?P<algorithm>sha256|md5)[:=])?(?P<digest>[0-9A-Fa-f]+)")
_WHEEL = re.compile(r"[^-]+-(?P<version>[^-]+)(?:-\d[^-]*)?(?:-[^-]+){3}\.whl")
_SOURCE_ARCHIVE = re.compile(r".+-(?P<version>[^-]+)\.(?:tar\.gz|zip)")
_SIZES = {32: "md5", 64: "sha256"}


def is_explicit_list(text: str) -> bool:
    """Whether a text is such a list: it has a line of its own that says so."""
    return _MARKED.search(text) is not None


def read_explicit_list(text: str) -> dict[str, Any]:
    """Return the list as a conda-lock document; raises InvalidLockfile naming the line.

    Its platform is told by a comment, else by where its packages lie.
    """
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    listed = [_Line.read(number, line) for number, line in lines if line and not line.startswith(("#", MARK))]
    platform = _platform(lines, listed)
    for line in listed:
        if line.address.subdir not in (platform, NOARCH):
            raise InvalidLockfile(
                f"line {line.number} of the list: the package lies in {line.address.subdir}, "
                f"but the list is for {platform}"
            )
    packages = [*(line.package(platform) for line in listed), *_pip_packages(lines, platform)]
    channels = tuple(dict.fromkeys(line.address.channel for line in listed))
    return conda_lock_value(packages, (platform,), channels, MARK)


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    url: str
    address: PackageAddress
    hashes: dict[str, str]

    @classmethod
    def read(cls, number: int, line: str) -> "_Line":
        url, _, fragment = line.partition("#")
        try:
            address = PackageAddress.parse(url)
        except ValueError:
            told = "https://CHANNEL/SUBDIR/NAME-VERSION-BUILD.conda#md5 or #sha256:…"
            raise InvalidLockfile(f"line {number} of the list is no address of a conda package: {told}") from None
        return cls(number, url, address, _hashes(number, fragment))

    def package(self, platform: str) -> FoundPackage:
        return FoundPackage(
            name=self.address.name,
            version=self.address.version,
            manager=CONDA,
            platform=platform,
            url=self.url,
            hashes=self.hashes,
            build=self.address.build,
        )


def _hashes(number: int, text: str) -> dict[str, str]:
    found = _HASH.fullmatch(text)
    algorithm = _SIZES.get(len(found["digest"])) if found else None
    if not found or not algorithm or found["algorithm"] not in (None, algorithm):
        told = "has no digest" if not text else "has a digest that is neither md5 nor sha256"
        raise InvalidLockfile(f"line {number} of the list {told}; packages end in #<md5> or #sha256:<sha256>")
    return {algorithm: found["digest"].lower()}


def _platform(lines: list[tuple[int, str]], listed: list[_Line]) -> str:
    said = [comment["platform"] for _, line in lines if (comment := _PLATFORM.fullmatch(line))]
    found = list(dict.fromkeys(said or [line.address.subdir for line in listed if line.address.subdir != NOARCH]))
    if len(found) == 1:
        return found[0]
    told = f"is for several platforms ({', '.join(found)})" if found else "does not say which platform it is for"
    raise InvalidLockfile(f"the list {told}; write one list for each, with a line such as `# platform: linux-64`")


def _pip_packages(lines: list[tuple[int, str]], platform: str) -> Iterator[FoundPackage]:
    for number, line in lines:
        told = _PIP.fullmatch(line)
        if told:
            yield FoundPackage(
                name=told["name"],
                version=_version(number, told["url"]),
                manager=PIP,
                platform=platform,
                url=told["url"],
                hashes=_hashes(number, told["hash"]),
            )


def _version(number: int, url: str) -> str:
    try:
        return file_version(url)
    except ValueError as error:
        raise InvalidLockfile(f"line {number} of the list: {error}") from None


def file_version(url: str) -> str:
    """Return the version in the name of a wheel or source archive; raises ValueError."""
    name = unquote(urlsplit(url).path.rpartition("/")[2])
    told = _WHEEL.fullmatch(name) or _SOURCE_ARCHIVE.fullmatch(name)
    if not told:
        raise ValueError(f"{name!r} is the name of no wheel or source archive")
    return told["version"]
