"""What went wrong when packages were installed, told from rattler's text: it has one type of error for everything."""

import errno
import re

from conda_store_shared.conda.certificates import REMEDY, is_untrusted
from conda_store_shared.conda.channel_client import ChannelAccess
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure
from conda_store_shared.redaction import redact

_STATUS = re.compile(r"HTTP status (?:client|server) error \((\d{3})[^)]*\)")
_ADDRESS = re.compile(r"(?:https?|file|s3|gcs|oci)://[^\s)]+")
_DISK_FULL = (f"(os error {errno.ENOSPC})", f"(os error {errno.EDQUOT})", "No space left on device")
_NETWORK = (
    "error sending request", "error decoding response body", "end of file before message length", "connection closed",
    "operation timed out", "dns error", "Connection refused", "Connection reset", "unexpected EOF", "Broken pipe",
)  # fmt: skip
# Of decompression and of archives rattler tells as of input and output, but without a number of the system's.
_READING = "an io error occurred"
_UNPACKED = ("failed to unpack", "outside of destination", "invalid zip archive")
_SYSTEM = "(os error "
_MISSING_FILE = f"(os error {errno.ENOENT})"
_FORBIDDEN = ("401", "403")
_GONE = ("404", "410")


def explain(error: Exception, access: ChannelAccess) -> StageFailure:
    """The failure a person can act on; addresses are named without their credentials."""
    text = redact(access.plain(str(error))).strip()
    if any(mark in text for mark in _DISK_FULL):
        return StageFailure(FailureCode.DISK_FULL, f"no space left while installing: {text}", transient=True)
    if "hash mismatch" in text:
        return StageFailure(FailureCode.HASH_MISMATCH, f"a package is not the one the lockfile names: {text}")
    if is_untrusted(text):
        return StageFailure(FailureCode.CHANNEL_UNREACHABLE, f"a package could not be fetched; {REMEDY}: {text}")
    if found := _STATUS.search(text):
        return _explain_status(found[1], text, access)
    return _explain_text(text)


def _explain_text(text: str) -> StageFailure:
    if any(mark in text for mark in _NETWORK):
        return StageFailure(FailureCode.CHANNEL_UNREACHABLE, f"a package could not be fetched: {text}", transient=True)
    if any(mark in text for mark in _UNPACKED) or (_READING in text and _SYSTEM not in text):
        return StageFailure(FailureCode.INVALID_PACKAGE, f"a package cannot be extracted: {text}")
    if _MISSING_FILE in text and "failed to fetch" in text:
        return StageFailure(FailureCode.CHANNEL_NOT_FOUND, f"a package is not in its channel: {text}")
    return StageFailure(FailureCode.INTERNAL_ERROR, f"the packages could not be installed: {text}")


def _explain_status(status: str, text: str, access: ChannelAccess) -> StageFailure:
    address = _address(text)
    if status in _FORBIDDEN:
        detail = f"the channel refuses access to {address} (HTTP {status}): {access.book.refusal(address)}"
        return StageFailure(FailureCode.CHANNEL_FORBIDDEN, detail)
    if status in _GONE:
        detail = f"the channel has no package {address} (HTTP {status}); solve the specification again"
        return StageFailure(FailureCode.CHANNEL_NOT_FOUND, detail)
    transient = status in ("408", "425", "429") or status.startswith("5")
    detail = f"{address} answers HTTP {status}: {text}"
    return StageFailure(FailureCode.CHANNEL_UNREACHABLE, detail, transient=transient)


def _address(text: str) -> str:
    found = _ADDRESS.search(text)
    return found[0] if found else "a package"
