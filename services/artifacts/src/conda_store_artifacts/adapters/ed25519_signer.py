"""Signs with an ed25519 key of the site."""

import hashlib

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from conda_store_shared.errors import ConfigurationError

_WANTED = (
    "CondaStore.signing_key: it is no ed25519 private key in PEM without a password; "
    "`openssl genpkey -algorithm ed25519` makes one"
)


class Ed25519Signer:
    """The key in ``pem``; raises ConfigurationError for what is none."""

    def __init__(self, pem: str) -> None:
        try:
            key = load_pem_private_key(pem.encode(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            # Neither the text nor the reason, which may repeat it.
            raise ConfigurationError(_WANTED) from None
        if not isinstance(key, Ed25519PrivateKey):
            raise ConfigurationError(_WANTED)
        public = key.public_key()
        self._key = key
        self._public = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        self._id = hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()

    @property
    def key_id(self) -> str:
        """SHA-256 (hex) of the public key as DER."""
        return self._id

    @property
    def public_key(self) -> str:
        """The public key in PEM."""
        return self._public

    def sign(self, content: bytes) -> bytes:
        """Return the signature of ``content``; always the same for the same content."""
        return self._key.sign(content)
