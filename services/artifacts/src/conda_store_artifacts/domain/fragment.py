"""Fragments: a package's files as one compressed tar, the same bytes whoever makes it, shared by all environments."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from conda_store_artifacts.domain.fragment_files import FragmentFiles
from conda_store_shared.conda.channels import strip_credentials
from conda_store_shared.domain.canonical import digest_of
from conda_store_shared.domain.lockfile import LockedPackage

# Raised when the bytes of fragments change: none of the old ones is used any more.
_VERSION = 2
# Where layers are linked for, and what generated files of archives say before they are mended.
IMAGE_PREFIX = "/opt/conda"
_FREE_THREADED = re.compile(r"_cp\d+t(?:_|$)")


class FragmentKind(StrEnum):
    """``archive``: files say what they were packaged with.  ``layer``: linked for one prefix, below its path."""

    ARCHIVE = "archive"
    LAYER = "layer"


class Codec(StrEnum):
    """How a tar is compressed."""

    GZIP = "gzip"
    ZSTD = "zstd"


@dataclass(frozen=True, slots=True, kw_only=True)
class FragmentFormat:
    """How fragments are wanted; ``prefix`` is the path layers are linked for."""

    kind: FragmentKind
    codec: Codec = Codec.GZIP
    level: int = 2
    prefix: str = IMAGE_PREFIX


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """A shared object: ``digest`` is the SHA-256 (hex) of its ``size`` bytes, ``raw_…`` tells what was compressed."""

    digest: str
    key: str
    size: int
    raw_digest: str
    raw_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragment:
    """What was made of ``package``; ``id`` is the digest of everything it follows from."""

    id: str
    package: LockedPackage
    blob: Blob
    files: FragmentFiles


def python_of(packages: Iterable[LockedPackage]) -> str | None:
    """The python of an environment as its directories are named: ``3.11``, or ``3.13t`` without a global lock."""
    for package in packages:
        if package.manager == "conda" and package.name == "python":
            minor = ".".join(package.version.split(".")[:2])
            return f"{minor}t" if _FREE_THREADED.search(package.build or package.url) else minor
    return None


def distinct(packages: Iterable[LockedPackage]) -> tuple[LockedPackage, ...]:
    """Each package once, in locked order: conda-lock lists one for every category it is in."""
    return tuple({(package.manager, package.name, package.url): package for package in packages}.values())


def why_no_fragment(package: LockedPackage) -> str | None:
    """Why no fragment can be made of a package; None when one can."""
    if package.manager == "conda":
        return None if package.sha256 or package.md5 else f"{package.name} has no digest in the lockfile"
    if not package.sha256:
        return f"{package.name} has no sha256 in the lockfile"
    return None if is_wheel(package) else f"{package.name} is no wheel, and has to be built"


def why_no_concatenation(packages: Iterable[LockedPackage], fragments: Iterable[Fragment]) -> str | None:
    """Why fragments do not make up the environment of ``packages``; None when they do."""
    for package in packages:
        if reason := why_no_fragment(package):
            return reason
    known = tuple(fragments)
    for fragment in known:
        if fragment.files.link_script:
            return f"{fragment.package.name} has a link script, which runs in the environment"
    paths: set[int] = set()
    for fragment in known:
        found = fragment.files.path_hashes()
        before = len(paths)
        paths.update(found)
        if len(paths) != before + len(found):
            return f"{fragment.package.name} brings files that another package brings, too"
    return None


def fragment_id(package: LockedPackage, wanted: FragmentFormat, python: str | None) -> str:
    """The identity of a fragment: the digest of everything its bytes follow from."""
    return digest_of(_identity(package, wanted, python))


def is_wheel(package: LockedPackage) -> bool:
    """Whether a pip package is one that needs not be built."""
    return urlsplit(package.url).path.endswith(".whl")


def is_noarch(package: LockedPackage) -> bool:
    """Whether what is installed of a conda package depends on the python beside it."""
    parts = urlsplit(package.url).path.rsplit("/", 2)
    return package.manager == "conda" and len(parts) == 3 and parts[1] == "noarch"


def _identity(package: LockedPackage, wanted: FragmentFormat, python: str | None) -> dict[str, Any]:
    identity: dict[str, Any] = {
        "version": _VERSION,
        "package": package.sha256 or f"md5:{package.md5}",
        # Its records name where it came from.
        "url": strip_credentials(package.url.partition("#")[0]),
        "kind": wanted.kind,
        "codec": wanted.codec,
        "level": wanted.level,
    }
    if wanted.kind == FragmentKind.LAYER:
        identity["prefix"] = wanted.prefix
    if package.manager == "pip" or is_noarch(package):
        identity["python"] = python
        identity["system"] = "win" if package.platform.startswith("win") else "unix"
    return identity

