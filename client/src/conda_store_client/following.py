"""Follows a build from its submission to its last artifact."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from conda_store_client.build_news import BuildNews
from conda_store_client.builds import COMPLETED, Build, LogReader, Stage, find_build, list_stages
from conda_store_client.connection import Connection
from conda_store_client.errors import PASSING, ClientError

# The last lines of a log arrive a little after the build has ended.
_GRACE = 2.0
# How long a server may be away before following it is given up.
_PATIENCE = 120.0
_LONGEST_PAUSE = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A build at one moment: its stages in order, and what was written to its log since the moment before.

    ``trouble`` says why the server could not be asked; the rest is then as it was.
    """

    build: Build
    stages: tuple[Stage, ...]
    log: str
    trouble: str = ""


def follow(connection: Connection, build_id: int, *, pause: float = 0.3, grace: float = _GRACE) -> Iterator[Progress]:
    """Return the progress of a build until nothing more is to come of it.

    Asks whenever the server tells that something happened, and every ``pause`` seconds, less often when it takes long,
    for what it does not tell; ``grace`` seconds after the end of the build it no longer waits for the rest of a log.  A
    server that goes away meanwhile is waited for; raises its error only when it was away from the start, or stays away.
    """
    log = LogReader(connection, build_id)
    latest = _ask(connection, build_id, log)
    yield latest
    heard = ended = began = time.monotonic()
    with BuildNews(connection, build_id) as news:
        while not _is_over(latest, log, ended + grace):
            interval = min(max(pause, (time.monotonic() - began) / 60), _LONGEST_PAUSE)
            news.wait(interval, interval)
            try:
                latest = _ask(connection, build_id, log)
                heard = time.monotonic()
            except PASSING as error:
                if time.monotonic() - heard > _PATIENCE:
                    raise
                latest = _in_trouble(latest, error)
            if not latest.build.has_ended or _is_busy(latest):
                ended = time.monotonic()
            yield latest


def _ask(connection: Connection, build_id: int, log: LogReader) -> Progress:
    build = find_build(connection, build_id)
    stages = list_stages(connection, build_id) or ()
    return Progress(build=build, stages=stages, log=log.read())


def _in_trouble(latest: Progress, error: ClientError) -> Progress:
    return Progress(build=latest.build, stages=latest.stages, log="", trouble=error.message)


def _is_over(latest: Progress, log: LogReader, limit: float) -> bool:
    if not latest.build.has_ended or _is_busy(latest):
        return False
    return log.is_complete or time.monotonic() > limit


def _is_busy(latest: Progress) -> bool:
    """Whether artifacts are still being made; those of a build without environment never are."""
    return latest.build.status == COMPLETED and any(stage.is_open for stage in latest.stages)
