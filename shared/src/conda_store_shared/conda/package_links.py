"""Symbolic links of packages that are harmless alone, and lead out of an environment together.

A link that climbs (``a/b/l -> ../../c``) stays inside because ``a/b`` is two deep.  Where another package makes ``a`` a
link to somewhere less deep, it does not, and a third could have files written through it.
"""

import json
import os
import re
import stat
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_NOTE = "info/conda-store-links.json"
# Where files of a package for any Python go depends on the Python beside it.
_SITE_PACKAGES = re.compile(r"(?:lib/python[^/]+/)?site-packages(?=/|$)")
_INFO = "info/"


@dataclass(frozen=True, slots=True)
class PackageLinks:
    """``links`` are the paths of a package that are links; ``climbed`` the directories that some of them climb."""

    links: frozenset[str]
    climbed: frozenset[str]

    def clash_with(self, other: "PackageLinks") -> str | None:
        """A path that is a link in one and a directory to climb in the other."""
        return min((self.links & other.climbed) | (self.climbed & other.links), default=None)


NO_LINKS = PackageLinks(frozenset(), frozenset())


def links_of(directory: Path, entries: Mapping[str, int]) -> PackageLinks:
    """The links of an extracted package; remembered there, for installs to come."""
    targets = {path: os.readlink(directory / path) for path, kind in entries.items() if kind == stat.S_IFLNK}
    targets = {_placed(path): target for path, target in targets.items() if not path.startswith(_INFO)}
    climbing = [path for path, target in targets.items() if ".." in target.split("/")]
    found = PackageLinks(frozenset(targets), frozenset(parent for path in climbing for parent in _parents(path)))
    if targets:
        note = directory / _NOTE
        draft = note.with_name(f".{uuid.uuid4().hex}")
        draft.write_text(json.dumps({"links": sorted(found.links), "climbed": sorted(found.climbed)}))
        os.replace(draft, note)
    return found


def known_links(directory: Path) -> PackageLinks:
    """What ``links_of`` remembered of a package; nothing is remembered of one without links."""
    try:
        value = json.loads((directory / _NOTE).read_bytes())
    except FileNotFoundError:
        return NO_LINKS
    return PackageLinks(frozenset(value["links"]), frozenset(value["climbed"]))


def _placed(path: str) -> str:
    return _SITE_PACKAGES.sub("site-packages", path, count=1)


def _parents(path: str) -> Iterator[str]:
    return (str(parent) for parent in PurePosixPath(path).parents if parent.name)
