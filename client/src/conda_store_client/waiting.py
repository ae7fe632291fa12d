"""Waits until a build, or one of its artifacts, is there."""

import time

from conda_store_client.build_news import BuildNews
from conda_store_client.builds import CANCELED, COMPLETED, FAILED, Build, find_build, list_stages
from conda_store_client.connection import Connection
from conda_store_client.errors import PASSING, ClientError

# What can be waited for, and the type of artifact that stands for it; the build itself has none.
WAITED_FOR = {
    "build": None,
    "lockfile": "LOCKFILE",
    "yaml": "YAML",
    "archive": "CONDA_PACK",
    "installer": "CONSTRUCTOR_INSTALLER",
    "docker": "DOCKER_MANIFEST",
}
_SHORTEST_INTERVAL = 0.05
_PAUSE_IN_TROUBLE = 1.0


def wait_for(connection: Connection, build_id: int, artifact: str, *, timeout: float, interval: float) -> None:
    """Return when it is there: as soon as the server tells, or asking every ``interval`` seconds where it does not.

    Raises ClientError when it will never come, or after ``timeout`` seconds.  A server that goes away meanwhile is
    waited for.
    """
    give_up_at = time.monotonic() + timeout
    build = find_build(connection, build_id)
    pause = max(interval, _SHORTEST_INTERVAL)
    with BuildNews(connection, build_id) as news:
        while not _is_there(connection, build, artifact):
            remaining = give_up_at - time.monotonic()
            if remaining <= 0:
                late = f"Build {build_id} failed to complete in {timeout:g} seconds"
                raise ClientError(late, f"It is {build.status}.")
            news.wait(pause, remaining)
            try:
                build = find_build(connection, build_id)
                pause = max(interval, _SHORTEST_INTERVAL)
            except PASSING:
                # What the server told may have been the last it had to tell.
                pause = min(pause, _PAUSE_IN_TROUBLE)


def require_success(build: Build) -> None:
    """Raise ClientError when a build has ended without an environment."""
    if build.status == FAILED:
        raise ClientError(f"Build {build.id} failed", build.reason)
    if build.status == CANCELED:
        raise ClientError(f"Build {build.id} was canceled", build.reason)


def _is_there(connection: Connection, build: Build, artifact: str) -> bool:
    artifact_type = WAITED_FOR[artifact]
    if artifact_type in build.artifacts:
        return True
    require_success(build)
    if build.status != COMPLETED:
        return False
    if artifact_type is not None:
        _require_stage(connection, build, artifact)
    return artifact_type is None


def _require_stage(connection: Connection, build: Build, artifact: str) -> None:
    """Raise ClientError when the server knows that an artifact of a completed build is not going to be made."""
    try:
        stages = list_stages(connection, build.id)
    except PASSING:
        return
    if stages is None:
        return
    stage = next((stage for stage in stages if stage.artifact_type == WAITED_FOR[artifact]), None)
    if stage is None:
        raise ClientError(f"Build {build.id} makes no {artifact}", "The server's settings do not ask for one.")
    if not stage.is_open and stage.state != "done":
        raise ClientError(f"Build {build.id} has no {artifact}: making it {stage.state}", stage.detail)
