"""Signed statements of where a build comes from: the signature, and what the statement says."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from conda_store_client.answers import field
from conda_store_client.connection import Connection
from conda_store_client.errors import ClientError, RequestRefused, UnexpectedAnswer

_PAYLOAD_TYPE = "application/vnd.in-toto+json"
_STATEMENT, _PREDICATE = "https://in-toto.io/Statement/v1", "https://slsa.dev/provenance/v1"


@dataclass(frozen=True, slots=True)
class SiteKey:
    """A public ed25519 key; ``pem`` is its text, ``id`` the SHA-256 (hex) of it as DER."""

    pem: str
    id: str

    @classmethod
    def parse(cls, pem: str, where: str) -> "SiteKey":
        """Read a key in PEM, of which ``where`` says where it was; raises ClientError."""
        key = _load(pem)
        if key is None:
            raise ClientError(f"{where} is no public ed25519 key in PEM")
        der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return cls(pem, hashlib.sha256(der).hexdigest())

    def has_signed(self, content: bytes, signature: bytes) -> bool:
        """Whether a signature of ``content`` was made with this key."""
        key = _load(self.pem)
        try:
            if key is not None:
                key.verify(signature, content)
        except InvalidSignature:
            return False
        return key is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What was signed about a build; ``digests`` are SHA-256 (hex) by the names of what it left behind."""

    build_id: int
    namespace: str
    environment: str
    builder: str
    digests: Mapping[str, str]


def fetch_key(connection: Connection) -> SiteKey:
    """Return the key a server says it signs with; raises ClientError when it signs nothing."""
    told = connection.get_data("/api/v1/provenance/key/")
    return SiteKey.parse(field(told, "public_key", str), f"the key of {connection.url}")


def fetch_envelope(connection: Connection, build_id: int) -> Any:
    """Return the signed statement of a build; raises ClientError."""
    try:
        response = connection.get(f"/api/v1/build/{build_id}/provenance/")
    except RequestRefused as refusal:
        raise refusal.told_as(f"there is no provenance of build {build_id}") from None
    try:
        return response.json()
    except ValueError:
        raise UnexpectedAnswer(f"the provenance of build {build_id} is no JSON") from None


def open_envelope(envelope: Any, key: SiteKey) -> Statement:
    """Return what was signed; raises ClientError when it was not signed with ``key``, or is something else."""
    kind, payload = field(envelope, "payloadType", str), _decoded(field(envelope, "payload", str))
    signed = b"DSSEv1 %d %b %d %b" % (len(kind.encode()), kind.encode(), len(payload), payload)
    signatures = [_decoded(field(one, "sig", str)) for one in field(envelope, "signatures", list)]
    if not any(key.has_signed(signed, signature) for signature in signatures):
        raise ClientError("the signature of the provenance is wrong", f"It was not made with key {key.id}.")
    if kind != _PAYLOAD_TYPE:
        raise ClientError(f"the provenance is of another kind: {kind}")
    return _parse(payload)


def _parse(payload: bytes) -> Statement:
    try:
        value = json.loads(payload)
    except ValueError:
        raise UnexpectedAnswer("the provenance is no JSON") from None
    if (field(value, "_type", str), field(value, "predicateType", str)) != (_STATEMENT, _PREDICATE):
        raise ClientError("the provenance is of another kind", f"Expected is {_STATEMENT} with {_PREDICATE}.")
    predicate = field(value, "predicate", dict)
    definition, details = field(predicate, "buildDefinition", dict), field(predicate, "runDetails", dict)
    asked = field(definition, "externalParameters", dict)
    subjects = field(value, "subject", list)
    return Statement(
        build_id=field(field(definition, "internalParameters", dict), "buildId", int),
        namespace=field(asked, "namespace", str),
        environment=field(asked, "environment", str),
        builder=field(field(details, "builder", dict), "id", str),
        digests={field(one, "name", str): field(field(one, "digest", dict), "sha256", str) for one in subjects},
    )


def _load(pem: str) -> Ed25519PublicKey | None:
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, Ed25519PublicKey) else None


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise UnexpectedAnswer("the provenance is not encoded as it should be") from None
