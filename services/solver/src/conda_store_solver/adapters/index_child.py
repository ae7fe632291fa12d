"""Runs in a child: fetches the repodata of one subdir of a channel when it has changed, and writes the list of it."""

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rattler import Channel, Subdir
from rattler.exceptions import FetchRepoDataError
from rattler.networking import fetch_repo_data

from conda_store_shared.child.report import Report
from conda_store_shared.conda.channel_client import ChannelAccess, channel_access
from conda_store_shared.conda.credentials import Credentials
from conda_store_shared.domain.channel_index import FORMAT
from conda_store_shared.domain.platforms import NOARCH, PLATFORMS
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure
from conda_store_solver.adapters.channeldata import fetch_channeldata
from conda_store_solver.adapters.index_writer import WrittenIndex, read_summaries, write_index
from conda_store_solver.adapters.rattler_gateway import channel_failure
from conda_store_solver.domain.channel_places import real_place

# Solves come first.
_NICENESS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexOrder:
    """What to fetch, where to keep it, and the credentials by name; ``timeout`` is in seconds."""

    channel: str
    subdir: str
    cache_directory: str
    credentials: Credentials = field(repr=False)
    timeout: float


async def index_subdir(arguments: dict[str, Any], _report: Report) -> dict[str, Any]:
    """Return where the list is, its digest and size; raises StageFailure naming the channel."""
    os.nice(_NICENESS)
    order = IndexOrder(**arguments)
    place = real_place(order.channel)
    directory = _directory(order, place)
    access = channel_access(order.credentials)
    repodata = await _fetch_repodata(order, place, directory, access)
    channeldata = await fetch_channeldata(place, directory.parent, access.book)
    return _write(order, directory, repodata, channeldata)


def _directory(order: IndexOrder, place: str) -> Path:
    if order.subdir not in (*PLATFORMS, NOARCH):
        raise StageFailure(FailureCode.INVALID_SPECIFICATION, f"channels have no subdir {order.subdir!r}")
    directory = Path(order.cache_directory) / _short(place) / order.subdir
    directory.mkdir(parents=True, exist_ok=True)
    return directory


async def _fetch_repodata(order: IndexOrder, place: str, directory: Path, access: ChannelAccess) -> Path:
    try:
        [fetched] = await fetch_repo_data(
            channels=[Channel(place)],
            platforms=[Subdir(order.subdir)],
            cache_path=directory,
            callback=None,
            client=access.client(timeout=int(order.timeout)),
        )
    except FetchRepoDataError as error:
        raise _failure(str(error), place, order.subdir, access) from None
    except OSError as error:
        detail = f"channel {place} cannot be read: its repodata for {order.subdir} is broken: {error}"
        raise StageFailure(FailureCode.CHANNEL_UNREACHABLE, detail, transient=True) from error
    fetched.close()
    return _kept_repodata(directory)


def _kept_repodata(directory: Path) -> Path:
    # Kept under a name that is rattler's business, beside a note of what it is; there is one in this directory.
    note = max(directory.glob("*.info.json"), key=lambda path: path.stat().st_mtime_ns)
    return note.with_name(note.name.replace(".info.json", ".json"))


def _failure(text: str, place: str, subdir: str, access: ChannelAccess) -> StageFailure:
    failure = channel_failure(text, [place], access)
    if failure.cause == FailureCode.CHANNEL_NOT_FOUND:
        detail = f"channel {place} has no {subdir}, or is not there; check how it is spelled; "
        detail += access.book.refusal(place)
        return StageFailure(FailureCode.CHANNEL_NOT_FOUND, detail)
    return failure


def _write(order: IndexOrder, directory: Path, repodata: Path, channeldata: Path | None) -> dict[str, Any]:
    """Write the list, unless there is one already of this very repodata."""
    target = directory / f"list-{_short(order.channel)}"
    note = target.with_suffix(".note")
    made_of = [FORMAT, order.channel, _state(repodata), _state(channeldata)]
    known = json.loads(note.read_text()) if note.exists() and target.exists() else {}
    if known.get("made_of") == made_of:
        return {"path": str(target), **known["told"]}
    summaries = read_summaries(channeldata) if channeldata else {}
    try:
        written = write_index(repodata, target, channel=order.channel, subdir=order.subdir, summaries=summaries)
    except ValueError as error:
        detail = f"channel {order.channel} cannot be read: its repodata for {order.subdir} is broken: {error}"
        raise StageFailure(FailureCode.CHANNEL_UNREACHABLE, detail, transient=True) from error
    told = _told(written)
    note.write_text(json.dumps({"made_of": made_of, "told": told}))
    return {"path": str(target), **told}


def _told(written: WrittenIndex) -> dict[str, Any]:
    return {"digest": written.digest, "files": written.files, "left_out": written.left_out}


def _state(path: Path | None) -> list[int] | None:
    """What changes with a file's content: a file is replaced, never written to."""
    if path is None:
        return None
    status = path.stat()
    return [status.st_ino, status.st_size, status.st_mtime_ns]


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
