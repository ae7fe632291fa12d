"""Somebody who submits specifications over HTTP and waits for the builds."""

import itertools
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import httpx

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_ENDED = ("build.completed", "build.failed", "build.canceled")
_names = (f"bench-{number}" for number in itertools.count(1))


class BuildFailed(Exception):
    """A build that was to be measured did not complete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """A build asked for: ``began`` on the clock of ``time.perf_counter``, ``seconds`` until the POST was answered."""

    name: str
    build_id: int
    began: float
    seconds: float


class Customer:
    """Logged in at ``url``; is told of what happens to a build, and gives up after ``patience`` with BuildFailed."""

    def __init__(self, url: str, channel: str, patience: float = 120.0) -> None:
        self._channel = channel
        self._patience = patience
        self._client = httpx.Client(base_url=url, timeout=30, trust_env=False)
        self._client.post("/login/", json={"username": "bench", "password": "password"}).raise_for_status()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def submit(self, dependencies: Sequence[str]) -> Submitted:
        """Submit a specification for an environment of a new name."""
        name = next(_names)
        specification = {"name": name, "channels": [self._channel], "dependencies": list(dependencies)}
        body = {"specification": json.dumps(specification), "namespace": "default"}
        began = time.perf_counter()
        answer = self._client.post("/api/v1/specification/", json=body)
        seconds = time.perf_counter() - began
        answer.raise_for_status()
        build_id = answer.json()["data"]["build_id"]
        return Submitted(name=name, build_id=build_id, began=began, seconds=seconds)

    def build(self, build_id: int) -> dict[str, Any]:
        """The build as it is now."""
        answer = self._client.get(f"/api/v1/build/{build_id}/")
        answer.raise_for_status()
        build: dict[str, Any] = answer.json()["data"]
        return build

    def follow(self, submitted: Submitted) -> float:
        """Seconds from the POST until word comes that the build is COMPLETED."""
        kind = next((kind for kind, _ in self._events(submitted) if kind in _ENDED), None)
        seconds = time.perf_counter() - submitted.began
        if kind != "build.completed":
            build = self.build(submitted.build_id)
            raise BuildFailed(f"build {build['id']} ended as {build['status']}: {build['status_info']}")
        return seconds

    def wait_for_artifact(self, submitted: Submitted, artifact_type: str) -> None:
        """Return when the build has the artifact."""
        for kind, data in self._events(submitted):
            if kind in ("artifact.stored", "artifact.failed") and data["artifact_type"] == artifact_type:
                if kind == "artifact.stored":
                    return
                break
        raise BuildFailed(f"build {submitted.build_id} got no {artifact_type}")

    def add_webhook(self, url: str, types: Sequence[str]) -> None:
        """Have an address told of some types of events."""
        self._client.post("/api/v1/webhook/", json={"url": url, "types": list(types)}).raise_for_status()

    def token(self) -> str:
        """A new token of the customer's."""
        answer = self._client.post("/api/v1/token/", json={})
        answer.raise_for_status()
        token: str = answer.json()["data"]["token"]
        return token

    def size_of(self, path: str) -> int:
        """Bytes of what is found at a path of the suite."""
        with self._client.stream("GET", path, follow_redirects=True) as answer:
            answer.raise_for_status()
            return sum(map(len, answer.iter_raw()))

    def manifest(self, image: str) -> dict[str, Any]:
        """The manifest of an image, such as ``namespace/name:tag``, for this machine."""
        name, _, tag = image.partition(":")
        answer = self._client.get(f"/v2/{name}/manifests/{tag}", headers={"Accept": _MANIFEST}, follow_redirects=True)
        answer.raise_for_status()
        manifest: dict[str, Any] = answer.json()
        return manifest

    def package_count(self, submitted: Submitted) -> int:
        """How many packages the build has."""
        answer = self._client.get(f"/api/v1/build/{submitted.build_id}/packages/?size=1")
        answer.raise_for_status()
        count: int = answer.json()["count"]
        return count

    def _events(self, submitted: Submitted) -> Iterator[tuple[str, dict[str, Any]]]:
        """What happened to the build and happens: the type of each event and its data."""
        kind = ""
        with self._client.stream("GET", f"/api/v1/build/{submitted.build_id}/events/") as answer:
            answer.raise_for_status()
            for line in answer.iter_lines():
                if time.perf_counter() - submitted.began > self._patience:
                    raise BuildFailed(f"build {submitted.build_id} is not done after {self._patience:g} seconds")
                name, _, value = line.partition(": ")
                if name == "event":
                    kind = value
                elif name == "data":
                    yield kind, json.loads(value)["data"]
