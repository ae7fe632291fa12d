"""DSSE envelopes: what is signed is the payload with its type (https://github.com/secure-systems-lab/dsse)."""

import base64
from typing import Any, Protocol

from conda_store_shared.domain.canonical import canonical_json

PAYLOAD_TYPE = "application/vnd.in-toto+json"


class Signs(Protocol):
    """A key."""

    @property
    def key_id(self) -> str:
        """What the key is known by."""
        ...

    def sign(self, content: bytes) -> bytes:
        """Return the signature of ``content``."""
        ...


def sign_statement(statement: dict[str, Any], signer: Signs) -> dict[str, Any]:
    """Return the envelope of a statement."""
    payload = canonical_json(statement)
    signature = signer.sign(pre_authentication_encoding(PAYLOAD_TYPE, payload))
    return {
        "payloadType": PAYLOAD_TYPE,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"keyid": signer.key_id, "sig": base64.b64encode(signature).decode()}],
    }


def pre_authentication_encoding(kind: str, payload: bytes) -> bytes:
    """Return what is signed of a payload of a kind."""
    return b"DSSEv1 %d %b %d %b" % (len(kind.encode()), kind.encode(), len(payload), payload)
