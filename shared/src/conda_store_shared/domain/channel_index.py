"""The packages of one subdir of a channel as one object: a table of contents in a line of JSON, then sections.

Each section holds the packages of a range of names and is compressed by itself, so that whoever has an older list
reads what differs and nothing else.  Where a section begins depends on names alone: a new package changes one section.
Names are ordered by code point.
"""

import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from conda_store_shared.domain.canonical import canonical_json, sha256_hex
from conda_store_shared.errors import InvalidChannelIndex

FORMAT = 1
# Names in a section, on average; a name has some twenty files in a large channel.
_NAMES = 16
# What the columns of a database hold.
LONGEST_NAME, LONGEST_VERSION, LONGEST_BUILD = 255, 64, 64
# More than any section of a channel that means well.
_LARGEST_SECTION = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedBuild:
    """One file of a version; ``size`` is in bytes, -1 when unknown; ``timestamp`` in ms; digests may be empty."""

    build: str
    build_number: int
    md5: str
    sha256: str
    size: int
    timestamp: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedPackage:
    """A version of a package, with its files in order."""

    name: str
    version: str
    license: str | None
    license_family: str | None
    summary: str | None
    builds: tuple[IndexedBuild, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Where the names from ``first`` up to ``end`` (None: the last) stand: ``length`` bytes from ``offset`` on.

    ``digest`` covers the packages and the range.
    """

    first: str
    end: str | None
    digest: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedSection:
    """A section on its way into the object."""

    first: str
    digest: str
    content: bytes

    @property
    def entry(self) -> tuple[str, str, int]:
        """What the table of contents has of it: its first name, digest and length."""
        return self.first, self.digest, len(self.content)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """The table of contents; ``digest`` covers the whole object, since the table names the digest of each section."""

    channel: str
    subdir: str
    digest: str
    sections: tuple[Section, ...]


def pack_sections(packages: Iterable[IndexedPackage]) -> Iterator[PackedSection]:
    """Return the sections of all ``packages``, which are in order of name and version."""
    first, name = "", ""
    inside: list[IndexedPackage] = []
    for package in packages:
        if package.name != name and _begins_section(package.name):
            yield _pack_section(first, package.name, inside)
            first, inside = package.name, []
        name = package.name
        inside.append(package)
    yield _pack_section(first, None, inside)


def unpack_section(section: Section, content: bytes) -> list[IndexedPackage]:
    """Return the packages of a section; raises InvalidChannelIndex."""
    try:
        decompressor = zlib.decompressobj()
        plain = decompressor.decompress(content, _LARGEST_SECTION)
        if not decompressor.eof or sha256_hex(canonical_json([section.first, section.end]) + plain) != section.digest:
            raise InvalidChannelIndex("a section of the list is not the one its table names")
        return [_package(value) for value in json.loads(plain)]
    except (zlib.error, ValueError, TypeError) as error:
        raise InvalidChannelIndex(f"a section of the list cannot be read: {error}") from error


def write_contents(channel: str, subdir: str, entries: Sequence[tuple[str, str, int]]) -> bytes:
    """Return the table of contents: the line that begins the object."""
    return canonical_json({"format": FORMAT, "channel": channel, "subdir": subdir, "sections": entries}) + b"\n"


def read_contents(line: bytes) -> Contents:
    """Return the table of contents in the first line of the object, its end included; raises InvalidChannelIndex."""
    try:
        value = json.loads(line)
        if value["format"] != FORMAT:
            raise InvalidChannelIndex(f"the list has format {value['format']}; known is {FORMAT}")
        return Contents(
            channel=value["channel"],
            subdir=value["subdir"],
            digest=sha256_hex(line),
            sections=tuple(_sections(value["sections"], len(line))),
        )
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidChannelIndex(f"the table of contents of the list cannot be read: {error!r}") from error


def _begins_section(name: str) -> bool:
    return int.from_bytes(sha256(name.encode("utf-8", "replace")).digest()[:4]) % _NAMES == 0


def _pack_section(first: str, end: str | None, packages: Iterable[IndexedPackage]) -> PackedSection:
    content = json.dumps([_package_value(package) for package in packages], separators=(",", ":")).encode()
    digest = sha256_hex(canonical_json([first, end]) + content)
    return PackedSection(first=first, digest=digest, content=zlib.compress(content, 3))


def _sections(values: Sequence[Sequence[Any]], offset: int) -> Iterable[Section]:
    ends = [*(first for first, _, _ in values[1:]), None]
    for (first, digest, length), end in zip(values, ends, strict=True):
        yield Section(first=first, end=end, digest=digest, offset=offset, length=length)
        offset += length


def _package_value(package: IndexedPackage) -> list[Any]:
    builds = [
        [build.build, build.build_number, build.md5, build.sha256, build.size, build.timestamp]
        for build in package.builds
    ]
    return [package.name, package.version, package.license, package.license_family, package.summary, builds]


def _package(value: Sequence[Any]) -> IndexedPackage:
    name, version, license_text, license_family, summary, builds = value
    return IndexedPackage(
        name=name,
        version=version,
        license=license_text,
        license_family=license_family,
        summary=summary,
        builds=tuple(
            IndexedBuild(build=build, build_number=number, md5=md5, sha256=sha256_text, size=size, timestamp=timestamp)
            for build, number, md5, sha256_text, size, timestamp in builds
        ),
    )
