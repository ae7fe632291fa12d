"""Paths below ``/v2/``, as clients of container registries write them (contract §1.8).

The form is that of the distribution specification: ``<name>/manifests/<reference>``, ``<name>/blobs/<digest>``,
``<name>/tags/list`` (https://github.com/opencontainers/distribution-spec).
"""

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum

from conda_store_shared.domain.names import DYNAMIC_NAMESPACE

# Whoever decides about access to dynamic images looks at this environment, whatever they hold.
_DYNAMIC_ENVIRONMENT = "python"
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_COMPARISONS = {".gt.": ">", ".ge.": ">=", ".lt.": "<", ".le.": "<=", ".eq.": "=="}
_COMPARISON = re.compile(r"\.(?:gt|ge|lt|le|eq)\.")


class Kind(StrEnum):
    """What of an image is asked for."""

    MANIFEST = "manifests"
    BLOB = "blobs"
    TAGS = "tags"


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamicImage:
    """An image that is named by the packages it holds."""

    packages: tuple[str, ...]

    @property
    def environment(self) -> str:
        """The environment it is made of.  Where the names of packages have dashes, they alone do not tell it."""
        name = "-".join(self.packages)
        if not any("-" in package for package in self.packages):
            return name
        return f"{name}-{hashlib.sha256('/'.join(self.packages).encode()).hexdigest()[:8]}"

    @property
    def dependencies(self) -> tuple[str, ...]:
        """What that environment depends on: ``python.ge.3.11.lt.3.13`` is ``python>=3.11,<3.13``."""
        return tuple(_dependency(package) for package in sorted(self.packages))


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePath:
    """An image by its ``name``, what of it is asked for, and the tag or digest of that.

    ``namespace`` and ``environment`` are for whoever decides about access; ``dynamic`` tells what a dynamic one holds.
    """

    namespace: str
    environment: str
    kind: Kind
    reference: str
    dynamic: DynamicImage | None = None

    @classmethod
    def parse(cls, path: str) -> "ImagePath | None":
        """Return what ``path`` asks for; None when the registry knows no such request."""
        *image, kind, reference = path.rstrip("/").split("/") if path.count("/") > 2 else ("", "")
        if len(image) < 2 or "" in image or not reference or kind not in set(Kind):
            return None
        namespace, *rest = image
        if kind == Kind.TAGS and reference != "list":
            return None
        dynamic = DynamicImage(packages=tuple(rest)) if namespace == DYNAMIC_NAMESPACE else None
        return cls(
            namespace=namespace,
            environment=_DYNAMIC_ENVIRONMENT if dynamic else "/".join(rest),
            kind=Kind(kind),
            reference=reference,
            dynamic=dynamic,
        )

    @property
    def name(self) -> str:
        """The name of the image without the registry it is in."""
        rest = "/".join(self.dynamic.packages) if self.dynamic else self.environment
        return f"{self.namespace}/{rest}"

    @property
    def stored_environment(self) -> str:
        """The environment whose builds have the image."""
        return self.dynamic.environment if self.dynamic else self.environment

    @property
    def digest(self) -> str | None:
        """The digest that is asked for, SHA-256 in hex; None when it is a tag, or a digest of another kind."""
        found = _DIGEST.fullmatch(self.reference)
        return found[1] if found else None


def _dependency(package: str) -> str:
    first = _COMPARISON.search(package)
    if first is None:
        return package
    name, rest = package[: first.start()], package[first.start() :]
    limits = _COMPARISON.sub(lambda found: f",{_COMPARISONS[found[0]]}", rest)
    return f"{name}{limits.removeprefix(',')}"
