"""What PostgreSQL keeps of a password, made here, so that the password itself is in no statement and no log."""

import base64
import hashlib
import hmac

_ITERATIONS = 4096


def scram_verifier(password: str, salt: bytes) -> str:
    """Return the SCRAM-SHA-256 verifier of a password of ASCII characters (RFC 5803)."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, _ITERATIONS)
    stored = hashlib.sha256(_signed(salted, b"Client Key")).digest()
    kept = (_text(salt), f"{_text(stored)}:{_text(_signed(salted, b'Server Key'))}")
    return f"SCRAM-SHA-256${_ITERATIONS}:{'$'.join(kept)}"


def _signed(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, "sha256")


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
