"""Paths below ``/v2/``, as clients of container registries write them (contract §1.8).

The form is that of the distribution specification: ``<name>/manifests/<reference>``, ``<name>/blobs/<digest>``,
``<name>/tags/list`` (https://github.com/opencontainers/distribution-spec).
"""

from dataclasses import dataclass
from enum import StrEnum

DYNAMIC = "conda-store-dynamic"


class Kind(StrEnum):
    """What of an image is asked for."""

    MANIFEST = "manifests"
    BLOB = "blobs"
    TAGS = "tags"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePath:
    """An image, what of it is asked for, and the tag or digest of that."""

    namespace: str
    environment: str
    kind: Kind
    reference: str

    @classmethod
    def parse(cls, path: str) -> "ImagePath | None":
        """Return what ``path`` asks for; None when the registry knows no such request.

        A dynamic image is named by the packages it holds, as many segments as there are; its environment is ``python``
        for whoever decides about access.
        """
        *image, kind, reference = path.rstrip("/").split("/") if path.count("/") > 2 else ("", "")
        if len(image) < 2 or "" in image or not reference or kind not in set(Kind):
            return None
        namespace, *rest = image
        if kind == Kind.TAGS and reference != "list":
            return None
        name = "python" if namespace == DYNAMIC else "/".join(rest)
        return cls(namespace=namespace, environment=name, kind=Kind(kind), reference=reference)
