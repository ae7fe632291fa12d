"""Signatures of Standard Webhooks 1.0: https://github.com/standard-webhooks/standard-webhooks"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence

_PREFIX = "whsec_"


def signed_headers(secrets: Sequence[str], message_id: str, timestamp: int, body: bytes) -> Mapping[str, str]:
    """Return the headers that say which message this is and when it was sent, signed with each of ``secrets``.

    ``timestamp`` is that of the attempt, in seconds of Unix: receivers refuse what was signed minutes ago.
    """
    signed = f"{message_id}.{timestamp}.".encode() + body
    signatures = (base64.b64encode(hmac.digest(_key_of(secret), signed, hashlib.sha256)) for secret in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature.decode()}" for signature in signatures),
    }


def _key_of(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(_PREFIX))
