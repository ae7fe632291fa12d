"""Builds as the server shows them: status, stages, log."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from conda_store_client.answers import field
from conda_store_client.connection import Connection
from conda_store_client.errors import RequestRefused

COMPLETED, FAILED, CANCELED = "COMPLETED", "FAILED", "CANCELED"
_ARTIFACT = "artifact."
_BEGINNING = "0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """A build; ``size`` in bytes, ``artifacts`` are keys by type, ``scheduled_on`` is as the server writes it."""

    id: int
    environment_id: int
    environment: str
    status: str
    reason: str
    size: int
    scheduled_on: str
    artifacts: Mapping[str, str]

    @property
    def has_ended(self) -> bool:
        """Whether it will not change any more, its artifacts apart."""
        return self.status in (COMPLETED, FAILED, CANCELED)

    @classmethod
    def parse(cls, row: Any) -> "Build":
        """Read what the server sends; raises UnexpectedAnswer."""
        rest = {name: value for name, value in row.items() if value is not None} if isinstance(row, dict) else {}
        artifacts = field({"build_artifacts": [], **rest}, "build_artifacts", list)
        specification = field({"specification": {"name": ""}, **rest}, "specification", dict)
        return cls(
            id=field(row, "id", int),
            environment_id=field(row, "environment_id", int),
            environment=field(specification, "name", str),
            status=field(row, "status", str),
            reason=str(rest.get("status_info", "")),
            size=field(row, "size", int),
            scheduled_on=field(row, "scheduled_on", str),
            artifacts={field(each, "artifact_type", str): field(each, "key", str) for each in artifacts},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stage of a build: ``done`` of ``total`` in ``unit``; ``detail`` says why it failed."""

    name: str
    state: str
    done: int = 0
    total: int = 0
    unit: str = ""
    detail: str = ""
    attempts: int = 1

    @property
    def is_open(self) -> bool:
        """Whether something is still to be expected of it."""
        return self.state in ("waiting", "requested", "running")

    @property
    def artifact_type(self) -> str | None:
        """The type of artifact it makes, if it makes one."""
        return self.name.removeprefix(_ARTIFACT) if self.name.startswith(_ARTIFACT) else None

    @classmethod
    def parse(cls, row: Any) -> "Stage":
        """Read what the server sends; raises UnexpectedAnswer."""
        return cls(
            name=field(row, "stage", str),
            state=field(row, "state", str),
            done=field(row, "done", int),
            total=field(row, "total", int),
            unit=field(row, "unit", str),
            detail=str(row.get("detail") or ""),
            attempts=field(row, "attempts", int),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPart:
    """Text that follows a position; ``position`` is None when the server knows none and ``text`` is the whole log."""

    text: str
    position: str | None
    is_complete: bool


def find_build(connection: Connection, build_id: int) -> Build:
    """Return a build."""
    try:
        return Build.parse(connection.get_data(f"/api/v1/build/{build_id}/"))
    except RequestRefused as refusal:
        raise refusal.told_as(f"Error getting build {build_id}") from None


def list_stages(connection: Connection, build_id: int) -> tuple[Stage, ...] | None:
    """Return the stages of a build in their order; None when the server does not tell."""
    try:
        rows = connection.get_data(f"/api/v1/build/{build_id}/stages/")
    except RequestRefused as refusal:
        if refusal.status == httpx.codes.NOT_FOUND:
            return None
        raise
    return tuple(Stage.parse(row) for row in field({"stages": rows}, "stages", list))


def read_log(connection: Connection, build_id: int, position: str = _BEGINNING) -> LogPart:
    """Return what was written to a build's log after a position."""
    try:
        response = connection.get(f"/api/v1/build/{build_id}/logs/", {"position": position})
    except RequestRefused as refusal:
        if refusal.status == httpx.codes.NOT_FOUND:
            # The server sends us to where the log will be, once there is one.
            return LogPart(text="", position=None, is_complete=False)
        raise
    return LogPart(
        text=response.text,
        position=response.headers.get("X-Log-Position"),
        is_complete=response.headers.get("X-Log-Complete") == "true",
    )


class LogReader:
    """Reads a build's log piece by piece, whether or not the server knows positions."""

    def __init__(self, connection: Connection, build_id: int) -> None:
        self._connection = connection
        self._build_id = build_id
        self._position = _BEGINNING
        self._read = 0
        self.is_complete = False

    def read(self) -> str:
        """Return what is new since the last call; empty when nothing is."""
        part = read_log(self._connection, self._build_id, self._position)
        self.is_complete = part.is_complete
        if part.position is not None:
            self._position = part.position
            return part.text
        new = part.text[self._read :]
        self._read = len(part.text)
        return new


def submit(connection: Connection, body: Mapping[str, object]) -> int:
    """Submit a specification or a lockfile; return the id of its build."""
    return field(connection.post("/api/v1/specification/", body), "build_id", int)
