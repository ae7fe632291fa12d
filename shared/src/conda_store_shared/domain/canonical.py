"""Canonical JSON and its digest: the same value gives the same bytes on every machine."""

import hashlib
import json
from typing import Any


def canonical_json(value: Any) -> bytes:
    """Return ``value`` as JSON with sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sha256_hex(content: bytes) -> str:
    """Return the lower-case hexadecimal SHA-256 of ``content``."""
    return hashlib.sha256(content).hexdigest()


def digest_of(value: Any) -> str:
    """Return the SHA-256 (hex) of the canonical JSON of ``value``."""
    return sha256_hex(canonical_json(value))
