"""Wheels and source packages as they were published, fetched once and known by their digest; nothing of them runs."""

import hashlib
import os
import ssl
import urllib.error
import urllib.request
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit

from conda_store_shared.conda.certificates import REMEDY, is_untrusted
from conda_store_shared.conda.channels import strip_credentials
from conda_store_shared.conda.credentials import CredentialBook, Credentials
from conda_store_shared.domain.lockfile import LockedPackage
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure

_PIECE = 1024 * 1024
_TIMEOUT = 60.0
_REFUSED = (401, 403)
_GONE = (404, 410)


@dataclass(frozen=True, slots=True, kw_only=True)
class PipFiles:
    """Files of pip packages below ``root``; ``credentials`` are of package indexes, by name.

    The certificates of ``trusted_hosts`` need not be good.
    """

    root: Path
    credentials: Credentials = field(default_factory=dict, repr=False)
    trusted_hosts: Sequence[str] = ()

    def fetch(self, package: LockedPackage) -> Path:
        """The file of ``package`` on local disk.

        Raises StageFailure: hash_mismatch, channel_not_found, channel_forbidden, channel_unreachable.
        """
        url = package.url.partition("#")[0]
        place = self.root / str(package.sha256) / unquote(urlsplit(url).path).rpartition("/")[2]
        if place.exists():
            os.utime(place.parent)
            return place
        place.parent.mkdir(parents=True, exist_ok=True)
        draft = place.with_name(f".{uuid.uuid4().hex}")
        try:
            self._download(url, package, draft)
            os.replace(draft, place)
        finally:
            draft.unlink(missing_ok=True)
        return place

    def _opener(self, url: str) -> tuple[CredentialBook, urllib.request.OpenerDirector]:
        """Who asks for ``url``, and the credentials they may show."""
        book, place = CredentialBook(self.credentials), urlsplit(url).netloc
        if not {place, urlsplit(url).hostname} & set(self.trusted_hosts) or book.is_verified(place):
            return book, urllib.request.build_opener(_Redirects(book))
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        # Whoever is led on from there by nobody knows whom shows nothing.
        book = CredentialBook({})
        return book, urllib.request.build_opener(_Redirects(book), urllib.request.HTTPSHandler(context=context))

    def _download(self, url: str, package: LockedPackage, draft: Path) -> None:
        book, opener = self._opener(url)
        hasher = hashlib.sha256()
        try:
            with opener.open(_request(url, book), timeout=_TIMEOUT) as answer, draft.open("xb") as file:
                while piece := answer.read(_PIECE):
                    hasher.update(piece)
                    file.write(piece)
        except urllib.error.HTTPError as error:
            error.close()
            raise _refused(url, error.code, book) from None
        except (urllib.error.URLError, TimeoutError, ConnectionError, HTTPException) as error:
            # Not from the error: it may hold the address as it was asked for.
            detail = f"{strip_credentials(url)} cannot be fetched: {getattr(error, 'reason', type(error).__name__)}"
            if is_untrusted(detail):
                raise StageFailure(FailureCode.CHANNEL_UNREACHABLE, f"{detail}; {REMEDY}") from None
            raise StageFailure(FailureCode.CHANNEL_UNREACHABLE, detail, transient=True) from None
        if hasher.hexdigest() != str(package.sha256).lower():
            detail = f"{strip_credentials(url)} is not the file the lockfile names: its sha256 is {hasher.hexdigest()}"
            raise StageFailure(FailureCode.HASH_MISMATCH, detail)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Shows each address the credential that is for it alone."""

    def __init__(self, book: CredentialBook) -> None:
        self._book = book

    def redirect_request(  # noqa: PLR0913 - the library's arguments
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        """The request that follows."""
        followed = super().redirect_request(req, fp, code, msg, headers, newurl)
        return None if followed is None else _request(newurl, self._book)


def _request(url: str, book: CredentialBook) -> urllib.request.Request:
    credential = book.find(url)
    shown = credential.with_token(url) if credential else url
    request = urllib.request.Request(shown)  # noqa: S310 - the addresses of lockfiles are checked
    if credential and credential.authorization:
        request.add_unredirected_header("Authorization", credential.authorization)
    return request


def _refused(url: str, status: int, book: CredentialBook) -> StageFailure:
    detail = f"{strip_credentials(url)} cannot be fetched: the server answers {status}"
    if status in _REFUSED:
        return StageFailure(FailureCode.CHANNEL_FORBIDDEN, f"{detail}; {book.refusal(url)}")
    if status in _GONE:
        return StageFailure(FailureCode.CHANNEL_NOT_FOUND, detail)
    return StageFailure(FailureCode.CHANNEL_UNREACHABLE, detail, transient=True)
