"""Which part of an object a request wants, if any (RFC 9110, sections 13 and 14)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from conda_store_shared.storage.object_store import StoredObject

_RANGE = re.compile(r"bytes=\s*(?P<first>\d{0,19})-(?P<last>\d{0,19})\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The answer's status, and the bytes ``start`` to ``end`` (exclusive) that go with it."""

    status: int
    start: int = 0
    end: int = 0


def select(headers: Mapping[str, str], stored: StoredObject) -> Selection:
    """Return what ``headers`` (names in lower case) ask of an object: 200, 206, 304, 412 or 416."""
    if _is_failed(headers, stored):
        return Selection(status=412)
    if _is_unchanged(headers, stored):
        return Selection(status=304)
    wanted = _RANGE.fullmatch(headers.get("range", ""))
    if wanted is None or wanted["first"] == wanted["last"] == "" or not _is_range_valid(headers, stored):
        # Several ranges at once may be answered by the whole.
        return Selection(status=200, end=stored.size)
    return _select_range(wanted["first"], wanted["last"], stored.size)


def _select_range(first: str, last: str, size: int) -> Selection:
    if first:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < int(first):
            return Selection(status=200, end=size)
    else:
        start, end = max(0, size - int(last)), size
    return Selection(status=206, start=start, end=end) if start < end else Selection(status=416)


def _is_failed(headers: Mapping[str, str], stored: StoredObject) -> bool:
    if "if-match" in headers:
        return not _names(headers["if-match"], stored.etag)
    since = _moment(headers.get("if-unmodified-since"))
    return since is not None and stored.modified is not None and _seconds(stored.modified) > since


def _is_unchanged(headers: Mapping[str, str], stored: StoredObject) -> bool:
    if "if-none-match" in headers:
        return _names(headers["if-none-match"].replace("W/", ""), stored.etag)
    since = _moment(headers.get("if-modified-since"))
    return since is not None and stored.modified is not None and _seconds(stored.modified) <= since


def _is_range_valid(headers: Mapping[str, str], stored: StoredObject) -> bool:
    condition = headers.get("if-range")
    if condition is None or condition == f'"{stored.etag}"':
        return True
    moment = _moment(condition)
    return moment is not None and stored.modified is not None and _seconds(stored.modified) == moment


def _names(condition: str, etag: str) -> bool:
    return condition.strip() == "*" or f'"{etag}"' in (part.strip() for part in condition.split(","))


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _seconds(moment: datetime) -> datetime:
    """Without fractions, which HTTP dates do not have."""
    return moment.replace(microsecond=0)
