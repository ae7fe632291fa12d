"""What has to be known of the files of a fragment to put it together with others."""

import hashlib
from array import array
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_HASH_BYTES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A file that says ``placeholder`` where its prefix belongs; ``mode`` is ``text`` or ``binary``."""

    path: str
    placeholder: str
    mode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FragmentFiles:
    """``count`` files, of which ``mentions`` have to be mended; ``paths`` holds a hash of each path, in base64.

    ``variables`` are those that the package sets in an environment that is activated.
    Ten thousand paths would be a megabyte to read whenever an archive is put together, and all that is asked is
    whether two packages bring the same one.
    """

    count: int
    paths: str
    link_script: bool = False
    mentions: tuple[Mention, ...] = field(default=())
    variables: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        paths: Iterable[str],
        mentions: Iterable[Mention],
        *,
        link_script: bool,
        variables: Mapping[str, str] | None = None,
    ) -> "FragmentFiles":
        """Take note of files by their paths below the prefix."""
        hashes = sorted(_hash(path) for path in paths)
        packed = b64encode(b"".join(hashes)).decode()
        return cls(
            count=len(hashes),
            paths=packed,
            link_script=link_script,
            mentions=tuple(mentions),
            variables=variables or {},
        )

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "FragmentFiles":
        """Read what ``to_json`` gave."""
        mentions = tuple(
            Mention(path=path, placeholder=placeholder, mode=mode)
            for placeholder, mode, paths in value["mentions"]
            for path in paths
        )
        return cls(
            count=value["count"],
            paths=value["paths"],
            link_script=value["link_script"],
            mentions=mentions,
            variables=value.get("variables", {}),
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values for a column; a placeholder is long, and the same in most files of a package."""
        grouped: dict[tuple[str, str], list[str]] = {}
        for mention in self.mentions:
            grouped.setdefault((mention.placeholder, mention.mode), []).append(mention.path)
        mentions = [[placeholder, mode, paths] for (placeholder, mode), paths in sorted(grouped.items())]
        told = {"count": self.count, "paths": self.paths, "link_script": self.link_script, "mentions": mentions}
        return {**told, "variables": dict(self.variables)} if self.variables else told

    def path_hashes(self) -> "array[int]":
        """A number for each path; different paths have different ones."""
        return array("Q", b64decode(self.paths))


def mentions_of(files: Iterable[FragmentFiles]) -> Iterator[Mention]:
    """All files that have to be mended, by path."""
    yield from sorted((mention for each in files for mention in each.mentions), key=lambda mention: mention.path)


def _hash(path: str) -> bytes:
    return hashlib.blake2b(path.encode("utf-8", "surrogateescape"), digest_size=_HASH_BYTES).digest()
