"""A user of the suite, over HTTP only."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, Self

import httpx

from conda_store_shared.testing.servers.conda_store import Suite

ENDED = ("COMPLETED", "FAILED", "CANCELED")
# Seconds between two questions.
SHORTEST_PAUSE, LONGEST_PAUSE = 0.05, 0.4


class User:
    """Logs in and does what people do; every wait is bounded.  ``prefix`` is the path the suite is served below."""

    def __init__(self, suite: Suite, channel: str, prefix: str = "", password: str = "password") -> None:
        self.suite = suite
        self.channel = channel
        self.client = httpx.Client(base_url=f"{suite.url}{prefix}", timeout=30, follow_redirects=True)
        answer = self.client.post("/login/", json={"username": "alice", "password": password})
        answer.raise_for_status()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def specification(self, name: str, dependencies: Sequence[str], **rest: Any) -> str:
        """Return the text of a specification that solves from the demo channel."""
        return json.dumps({"name": name, "channels": [self.channel], "dependencies": list(dependencies), **rest})

    def post(self, specification: str, namespace: str = "default") -> httpx.Response:
        """Submit a specification."""
        body = {"specification": specification, "namespace": namespace}
        return self.client.post("/api/v1/specification/", json=body)

    def submit(self, name: str, dependencies: Sequence[str], **rest: Any) -> int:
        """Submit a specification; return the id of its build."""
        answer = self.post(self.specification(name, dependencies, **rest))
        assert answer.status_code == httpx.codes.OK, answer.text
        build_id: int = answer.json()["data"]["build_id"]
        return build_id

    def build(self, build_id: int) -> dict[str, Any]:
        """Return a build."""
        answer = self.client.get(f"/api/v1/build/{build_id}/")
        answer.raise_for_status()
        data: dict[str, Any] = answer.json()["data"]
        return data

    def try_build(self, build_id: int) -> dict[str, Any] | None:
        """Return a build; None while some part of the suite is down."""
        try:
            return self.build(build_id)
        except (httpx.HTTPStatusError, httpx.TransportError):
            return None

    def wait(self, build_id: int, *statuses: str, timeout: float = 60) -> dict[str, Any]:
        """Wait until a build has one of the statuses (default: has ended)."""
        began = time.monotonic()
        while True:
            build = self.try_build(build_id)
            if build is not None and build["status"] in (statuses or ENDED):
                return build
            assert time.monotonic() < began + timeout, f"build {build_id} is still {build}"
            pause(began)

    def wait_for_artifacts(self, build_id: int, *types: str, timeout: float = 60) -> dict[str, str]:
        """Wait until a build has artifacts of the types; return keys by type."""
        began = time.monotonic()
        while True:
            build = self.try_build(build_id)
            keys = {row["artifact_type"]: row["key"] for row in (build or {}).get("build_artifacts", ())}
            if set(types) <= set(keys):
                return keys
            assert time.monotonic() < began + timeout, f"build {build_id} has only {sorted(keys)}"
            pause(began)

    def environment(self, name: str, namespace: str = "default") -> Mapping[str, Any]:
        """Return an environment."""
        answer = self.client.get(f"/api/v1/environment/{namespace}/{name}/")
        answer.raise_for_status()
        data: dict[str, Any] = answer.json()["data"]
        return data

    def log(self, build_id: int) -> str:
        """Return a build's log."""
        answer = self.client.get(f"/api/v1/build/{build_id}/logs/")
        answer.raise_for_status()
        return answer.text


def pause(began: float) -> None:
    """Wait before asking again what was first asked at `began`; to answer takes the suite from what it is asked for."""
    waited = time.monotonic() - began
    time.sleep(min(max(SHORTEST_PAUSE, waited / 20), LONGEST_PAUSE))
