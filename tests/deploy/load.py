"""Builds that are under way while something happens to the containers."""

import os
import signal
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx

from conda_store_shared.testing.servers.compose import ComposedSuite
from conda_store_shared.testing.servers.process import ServerNotReady, wait_until
from tests.acceptance.user import User

SMALL = ("demo-prefix", "demo-versions", "demo-text")
ARTIFACTS = ("DIRECTORY", "LOCKFILE", "YAML", "CONDA_PACK", "DOCKER_MANIFEST", "LOGS")
# Much longer than anything takes: on a machine with other work.
PATIENCE = 150.0
_POLL = 0.2


@dataclass
class Load:
    """A user's builds; every one that was accepted must complete, and do so once."""

    suite: ComposedSuite
    user: User
    builds: list[int] = field(default_factory=list)

    def submit(self, count: int) -> None:
        """Submit so many builds, each of an environment of its own; again where nobody answers."""
        for _ in range(count):
            self.builds.append(self._submit())

    def wait_for_more(self) -> float:
        """Seconds until another build is completed than those that are now; 0 when all are."""
        began, done = time.monotonic(), self._completed()
        until(lambda: len(done) == len(self.builds) or self._completed() != done, "no further build is completed")
        return time.monotonic() - began

    def check(self) -> None:
        """Every build is completed, with everything that belongs to it, once."""
        for build_id in self.builds:
            build = self.user.wait(build_id, timeout=PATIENCE)
            assert build["status"] == "COMPLETED", (build, self.user.log(build_id))
        for build_id in self.builds:
            self.user.wait_for_artifacts(build_id, *ARTIFACTS, timeout=PATIENCE)
            rows = self.user.build(build_id)["build_artifacts"]
            assert set(Counter(row["artifact_type"] for row in rows).values()) == {1}, rows
        ids = ",".join(map(str, self.builds))
        told = self.suite.query(f"SELECT build_id FROM event WHERE type = 'build.completed' AND build_id IN ({ids})")
        assert Counter(map(int, told)) == Counter(self.builds)

    def _submit(self) -> int:
        deadline = time.monotonic() + PATIENCE
        specification = self.user.specification(f"load-{uuid.uuid4().hex[:8]}", SMALL)
        while True:
            try:
                answer = self.user.post(specification)
            except httpx.TransportError as error:
                problem = repr(error)
            else:
                if answer.status_code == httpx.codes.OK:
                    return int(answer.json()["data"]["build_id"])
                problem = answer.text
                assert answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR, problem
            assert time.monotonic() < deadline, problem
            time.sleep(_POLL)

    def _completed(self) -> set[int]:
        found = {build_id: self.user.try_build(build_id) for build_id in self.builds}
        return {build_id for build_id, build in found.items() if build and build["status"] == "COMPLETED"}


def kill(suite: ComposedSuite, service: str) -> float:
    """SIGKILL every container of a service as a crash does; return the seconds until all run again by themselves."""
    killed = suite.containers(service)
    before = {container["Id"]: container["RestartCount"] for container in killed}
    began = time.monotonic()
    for container in killed:
        os.kill(container["State"]["Pid"], signal.SIGKILL)

    def are_back() -> bool:
        now = suite.containers(service)
        return all(each["RestartCount"] > before[each["Id"]] and each["State"]["Running"] for each in now)

    until(are_back, f"{service} is not back")
    return time.monotonic() - began


def restart_in_turn(suite: ComposedSuite, services: Sequence[str]) -> None:
    """Restart one container after the other, each in good order, and wait until it is healthy again."""
    for service in services:
        for container in suite.containers(service):
            suite.engine.docker("restart", "--time", "30", container["Id"])
            until(partial(is_well, suite, container), f"{service} is not well")


def until_well(suite: ComposedSuite, service: str) -> None:
    """Wait until every container of a service answers, however long ago it was started again."""
    for container in suite.containers(service):
        until(partial(is_well, suite, container), f"{service} is not well")


def is_well(suite: ComposedSuite, container: Mapping[str, Any]) -> bool:
    """Whether a container's own check of its health says so now; the engine asks only every few seconds."""
    try:
        suite.engine.docker("exec", container["Id"], *container["Config"]["Healthcheck"]["Test"][1:])
    except ServerNotReady:
        return False
    return True


def until(condition: Callable[[], bool], complaint: str) -> None:
    """Wait until a condition is true."""
    assert wait_until(condition, PATIENCE), complaint
