"""What the demo asks of the server, over HTTP as anybody would."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import httpx

from conda_store_standalone.demo.failure import DemoFailed

_TIMEOUT = 30.0
_FIRST_PAUSE = 0.05


@dataclass(frozen=True, slots=True)
class Artifact:
    """One artifact of a build; ``key`` is its key in the object store, or the path of the prefix."""

    type: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """A build as the server shows it; ``size`` of the prefix in bytes."""

    id: int
    status: str
    reason: str
    size: int
    artifacts: tuple[Artifact, ...]

    @property
    def has_failed(self) -> bool:
        """Whether it ended without an environment."""
        return self.status in ("FAILED", "CANCELED")

    def key_of(self, artifact_type: str) -> str | None:
        """The key of an artifact, if it exists."""
        return next((artifact.key for artifact in self.artifacts if artifact.type == artifact_type), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPart:
    """Text of a log, the position after it, and whether the log ends there."""

    text: str
    position: str
    is_complete: bool


class Session:
    """Calls the server at ``url``; every method raises DemoFailed when the server refuses or cannot be reached."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.Client(base_url=url, timeout=_TIMEOUT, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._client.close()

    def wait_until_ready(self, check: Callable[[], None], seconds: float) -> None:
        """Wait until the server answers; ``check`` raises when there is no more point in waiting."""
        give_up_at = time.monotonic() + seconds
        while time.monotonic() < give_up_at:
            check()
            try:
                if self._client.get("/health/ready").is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(_FIRST_PAUSE)
        raise DemoFailed(f"the server does not answer at {self.url} after {seconds:.0f} s")

    def log_in(self, username: str, password: str) -> None:
        """Log in; the cookie counts from here on."""
        self._call("POST", "/login/", {"username": username, "password": password})

    def submit(self, specification: str, namespace: str) -> int:
        """Submit a specification and return the id of its build."""
        body = {"specification": specification, "namespace": namespace}
        return int(self._call("POST", "/api/v1/specification/", body).json()["data"]["build_id"])

    def build(self, build_id: int) -> Build:
        """Return a build as it is now."""
        document = self._call("GET", f"/api/v1/build/{build_id}/").json()["data"]
        return _build(document)

    def package_count(self, build_id: int) -> int:
        """Return how many packages a build has."""
        return int(self._call("GET", f"/api/v1/build/{build_id}/packages/?size=1").json()["count"])

    def log(self, build_id: int, position: str) -> LogPart:
        """Return what a build's log says from ``position`` on; ``0`` is its beginning."""
        answer = self._call("GET", f"/api/v1/build/{build_id}/logs/?position={position}")
        return LogPart(
            text=answer.text,
            position=answer.headers["X-Log-Position"],
            is_complete=answer.headers["X-Log-Complete"] == "true",
        )

    def artifact(self, build_id: int, name: str) -> Iterator[bytes]:
        """Return the ``archive`` or the ``installer`` of a build, piece by piece."""
        path = f"/api/v1/build/{build_id}/{name}/"
        with _explained(path), self._client.stream("GET", path, follow_redirects=True) as answer:
            _refuse_failure(answer)
            yield from answer.iter_raw()

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        with _explained(path):
            answer = self._client.request(method, path, json=body)
        _refuse_failure(answer)
        return answer


@contextmanager
def _explained(path: str) -> Iterator[None]:
    try:
        yield
    except httpx.TransportError as error:
        raise DemoFailed(f"{path}: the server cannot be reached: {error}") from error


def _refuse_failure(answer: httpx.Response) -> None:
    if not answer.is_success:
        answer.read()
        raise DemoFailed(f"{answer.request.method} {answer.url} was answered {answer.status_code}: {answer.text}")


def _build(document: dict[str, Any]) -> Build:
    return Build(
        id=document["id"],
        status=document["status"],
        reason=document["status_info"] or "",
        size=document["size"],
        artifacts=tuple(Artifact(each["artifact_type"], each["key"]) for each in document["build_artifacts"]),
    )
