"""Runs in a child process: wheels as they were published, fetched once and known by their digest."""

import hashlib
import os
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from conda_store_shared.conda.channel_client import header_finder
from conda_store_shared.conda.channels import strip_credentials
from conda_store_shared.domain.lockfile import LockedPackage
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure

_PIECE = 1024 * 1024
_TIMEOUT = 60.0
_REFUSED = (401, 403)


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelCache:
    """Wheels below ``root``; ``credentials`` maps the address of an index to the value of its Authorization header."""

    root: Path
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)

    def fetch(self, package: LockedPackage) -> Path:
        """The wheel of ``package`` on local disk.

        Raises StageFailure: hash_mismatch, channel_not_found, channel_forbidden, channel_unreachable.
        """
        url = package.url.partition("#")[0]
        place = self.root / str(package.sha256) / unquote(urlsplit(url).path.rsplit("/", 1)[-1])
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

    def _download(self, url: str, package: LockedPackage, draft: Path) -> None:
        parts = urlsplit(url)
        headers = header_finder(self.credentials)(parts.hostname or "", parts.path) or {}
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the lockfile's addresses are checked
        hasher = hashlib.sha256()
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer, draft.open("xb") as file:  # noqa: S310
                while piece := answer.read(_PIECE):
                    hasher.update(piece)
                    file.write(piece)
        except urllib.error.HTTPError as error:
            raise _refused(url, error.code) from error
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            detail = f"{strip_credentials(url)} cannot be fetched: {error}"
            raise StageFailure(FailureCode.CHANNEL_UNREACHABLE, detail, transient=True) from error
        if hasher.hexdigest() != str(package.sha256).lower():
            detail = f"{strip_credentials(url)} is not the wheel the lockfile names: its sha256 is {hasher.hexdigest()}"
            raise StageFailure(FailureCode.HASH_MISMATCH, detail)


def _refused(url: str, status: int) -> StageFailure:
    detail = f"{strip_credentials(url)} cannot be fetched: the server answers {status}"
    if status in _REFUSED:
        return StageFailure(FailureCode.CHANNEL_FORBIDDEN, detail)
    if status in (404, 410):
        return StageFailure(FailureCode.CHANNEL_NOT_FOUND, detail)
    return StageFailure(FailureCode.CHANNEL_UNREACHABLE, detail, transient=True)
