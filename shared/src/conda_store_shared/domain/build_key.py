"""Build keys: the name under which everything a build makes is kept (contract §4.4)."""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NewType

BuildKey = NewType("BuildKey", str)

_VERSION_1 = re.compile(r"[0-9a-f]{64}-\d{8}-\d{6}-\d{6}-(?P<build_id>\d+)-.+", re.DOTALL)
_VERSION_2 = re.compile(r"[0-9a-f]{8}-\d+-(?P<build_id>\d+)-.+", re.DOTALL)
_VERSION_3 = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildIdentity:
    """What a build key is made of; ``scheduled_on`` without a zone is UTC."""

    build_id: int
    namespace: str
    specification_name: str
    specification_sha256: str
    scheduled_on: datetime


def _unix_seconds(moment: datetime) -> int:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(aware.timestamp())


def build_key(identity: BuildIdentity, version: int) -> BuildKey:
    """Return the build key in format ``version`` (1, 2 or 3); raises ValueError for any other."""
    sha256 = identity.specification_sha256
    if version == 1:
        moment = identity.scheduled_on.strftime("%Y%m%d-%H%M%S-%f")
        return BuildKey(f"{sha256}-{moment}-{identity.build_id}-{identity.specification_name}")
    seconds = _unix_seconds(identity.scheduled_on)
    if version == 2:
        return BuildKey(f"{sha256[:8]}-{seconds}-{identity.build_id}-{identity.specification_name}")
    if version == 3:
        text = f"{identity.namespace}{sha256}{seconds}{identity.build_id}"
        return BuildKey(hashlib.sha256(text.encode()).hexdigest()[:32])
    raise ValueError(f"invalid build key version: {version}, expected: (1, 2, 3)")


def parse_build_id(text: str) -> int | None:
    """Return the build id that a key of format 1 or 2 carries; None for format 3, which must be looked up.

    Raises ValueError when ``text`` is no build key.
    """
    for pattern in (_VERSION_2, _VERSION_1):
        if found := pattern.fullmatch(text):
            return int(found["build_id"])
    if _VERSION_3.fullmatch(text):
        return None
    raise ValueError(f"not a build key: {text!r}")
