"""The mark of a whole prefix: written last, and only by whoever held the prefix's lock."""

import dataclasses
import json
from dataclasses import dataclass

from conda_store_shared.domain.canonical import canonical_json

# It lies where no tool takes it for the record of a package, which every *.json there would be.
WHOLE_MARKER = "conda-meta/conda-store"


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeMarker:
    """Which build and lockfile the prefix is of, and its sizes in bytes when it was finished."""

    build_key: str
    lockfile_digest: str
    apparent_bytes: int
    unique_bytes: int

    def to_bytes(self) -> bytes:
        """The stored form: canonical JSON."""
        return canonical_json(dataclasses.asdict(self))

    @classmethod
    def from_bytes(cls, content: bytes) -> "WholeMarker":
        """Read the stored form; raises ValueError when it is damaged."""
        try:
            return cls(**json.loads(content))
        except TypeError as error:
            raise ValueError(f"not the marker of a whole prefix: {error}") from error
