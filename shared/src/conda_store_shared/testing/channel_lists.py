"""Lists of channels' packages, small ones to the letter and large ones by the thousand."""

import hashlib
import random
from collections.abc import Iterable, Iterator, Sequence

from conda_store_shared.domain.channel_index import (
    Contents,
    IndexedBuild,
    IndexedPackage,
    pack_sections,
    read_contents,
    write_contents,
)
from conda_store_shared.domain.storage_keys import channel_index_key
from conda_store_shared.storage.object_store import ObjectStore

_SYLLABLES = ("py", "num", "lib", "data", "graph", "net", "io", "geo", "bio", "math", "web", "test", "core", "x")


def a_listed_package(
    name: str, version: str = "1.0", builds: Sequence[str] = ("0",), summary: str | None = None
) -> IndexedPackage:
    """A version with one file for each build string."""
    return IndexedPackage(
        name=name,
        version=version,
        license="MIT",
        license_family="MIT",
        summary=summary,
        builds=tuple(_a_build(f"{name}-{version}-{build}", build) for build in builds),
    )


def many_packages(names: int, *, versions: int = 8, seed: int = 1) -> Iterator[IndexedPackage]:
    """About ``names * versions`` versions with two files each, in order."""
    chance = random.Random(seed)
    found: set[str] = set()
    while len(found) < names:
        found.add("-".join(chance.choices(_SYLLABLES, k=chance.randint(2, 5))) + str(chance.randint(0, 99)))
    for name in sorted(found):
        count = chance.randint(1, 2 * versions - 1)
        for version in sorted(f"{number // 10}.{number % 10}" for number in range(count)):
            yield a_listed_package(name, version, ("py311_0", "py312_0"), f"What {name} is for")


def write_list(channel: str, subdir: str, packages: Iterable[IndexedPackage]) -> bytes:
    """Return the list as the solver writes it; ``packages`` are in order of name and version."""
    sections = list(pack_sections(packages))
    contents = write_contents(channel, subdir, [section.entry for section in sections])
    return contents + b"".join(section.content for section in sections)


async def put_list(store: ObjectStore, channel: str, subdir: str, packages: Iterable[IndexedPackage]) -> Contents:
    """Leave a list as the solver does; return its table of contents."""
    content = write_list(channel, subdir, packages)
    await store.put(channel_index_key(channel, subdir), content, "application/octet-stream")
    return read_contents(content[: content.index(b"\n") + 1])


def _a_build(unique: str, build: str) -> IndexedBuild:
    digest = hashlib.sha256(unique.encode()).hexdigest()
    return IndexedBuild(build=build, build_number=0, md5=digest[:32], sha256=digest, size=1000, timestamp=None)
