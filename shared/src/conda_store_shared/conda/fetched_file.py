"""One file, fetched as it is and known by its hash; nothing of it runs."""

import hashlib
import ssl
import urllib.error
import urllib.request
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from conda_store_shared.conda.channels import strip_user
from conda_store_shared.conda.credentials import CredentialBook
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure

_BLOCK = 1024 * 1024
_LARGEST = 2 * 1024**3
_TIMEOUT = 60.0
_SCHEMES = ("http", "https", "file")


def fetch_file(url: str, sha256: str, directory: Path, book: CredentialBook, trusted_hosts: Sequence[str]) -> Path:
    """Put what is at ``url`` into ``directory`` under its own name; raises StageFailure when it is not ``sha256``."""
    name = unquote(urlsplit(url).path).rpartition("/")[2]
    if not name or name.startswith(".") or urlsplit(url).scheme not in _SCHEMES:
        raise StageFailure(FailureCode.INVALID_LOCKFILE, f"{strip_user(url)} is not the address of a file")
    path = directory / name
    digest = hashlib.sha256()
    try:
        with _open(url, book, trusted_hosts) as answer, path.open("xb") as file:
            while block := answer.read(_BLOCK):
                digest.update(block)
                file.write(block)
                if file.tell() > _LARGEST:
                    raise StageFailure(FailureCode.PIP_FAILED, f"{strip_user(url)} is larger than {_LARGEST} bytes")
    except urllib.error.HTTPError as error:
        error.close()
        raise _refused(url, error.code, book) from None
    except (urllib.error.URLError, HTTPException, TimeoutError) as error:
        detail = f"{strip_user(url)} could not be fetched: {getattr(error, 'reason', error)}"
        raise StageFailure(FailureCode.CHANNEL_UNREACHABLE, detail, transient=True) from None
    if digest.hexdigest() != sha256.lower():
        detail = f"{strip_user(url)} is not the file the lockfile names: sha256 is {digest.hexdigest()}"
        raise StageFailure(FailureCode.HASH_MISMATCH, detail)
    return path


def _open(url: str, book: CredentialBook, trusted_hosts: Sequence[str]) -> Any:
    request = urllib.request.Request(strip_user(url))  # noqa: S310 - its scheme is one of ours
    shown = book.find(url)
    if shown is not None and shown.basic is not None and shown.authorization is not None:
        # Not shown to whoever one is sent on to.
        request.add_unredirected_header("Authorization", shown.authorization)
    context = ssl.create_default_context()
    parts = urlsplit(strip_user(url))
    if {parts.netloc, parts.hostname} & set(trusted_hosts) and not book.is_verified(parts.netloc):
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return urllib.request.urlopen(request, timeout=_TIMEOUT, context=context)  # noqa: S310


def _refused(url: str, status: int, book: CredentialBook) -> StageFailure:
    address = strip_user(url)
    detail = f"{address} answers HTTP {status}"
    if status in (401, 403):
        detail = f"{address} refused access (HTTP {status}): {book.index_refusal(address)}"
    return StageFailure(FailureCode.PIP_FAILED, detail, transient=status in (408, 425, 429) or status >= 500)
