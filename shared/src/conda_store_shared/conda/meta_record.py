"""One record of ``conda-meta`` as text: what is short is read, the lists of every file pass through as they are.

A record of a large package is a megabyte, nearly all of it in ``files`` and ``paths_data``.
"""

import json
from dataclasses import dataclass
from typing import Any

# As they begin and end where a record is written over several lines, with another member after them.
_BULKY = ((b'\n  "files": [\n', b"\n  ],"), (b'\n  "paths_data": {\n', b"\n  },"))


@dataclass(frozen=True, slots=True)
class MetaRecord:
    """The members of a record; those in ``bulk`` are text, each with the comma behind it."""

    members: dict[str, Any]
    bulk: tuple[bytes, ...] = ()

    @classmethod
    def parse(cls, text: bytes) -> "MetaRecord":
        """Read a record, written over several lines or not; raises ValueError."""
        bulk: list[bytes] = []
        for opening, closing in _BULKY:
            before, opened, rest = text.partition(opening)
            body, closed, after = rest.partition(closing)
            if closed:
                bulk.append(opened + body + closed)
                text = before + after
        return cls(json.loads(text), tuple(bulk))

    def to_bytes(self) -> bytes:
        """The record, written so that ``parse`` finds the bulk again."""
        return b"{%b\n  %b\n}" % (b"".join(self.bulk), json.dumps(self.members).encode()[1:-1])
