"""Names of builds: ``<build-id>``, ``<namespace>/<name>``, ``<namespace>/<name>:<build-id>``."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from conda_store_client.answers import field
from conda_store_client.builds import find_build
from conda_store_client.connection import Connection
from conda_store_client.errors import ClientError, RequestRefused

_NAME = r"[A-Za-z0-9\-+_@$&?^~.=]+"
_URI = re.compile(rf"(?P<only_id>\d+)|(?P<namespace>{_NAME})/(?P<name>{_NAME})(?::(?P<build_id>\d+))?", re.ASCII)
# What fits a database's id; longer numbers are no ids.
_MAXIMUM_DIGITS = 18


@dataclass(frozen=True, slots=True)
class EnvironmentName:
    """An environment, with the namespace it is in."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class BuildUri:
    """A build by its id, by the environment whose current build it is, or by both."""

    build_id: int | None
    environment: EnvironmentName | None

    @classmethod
    def parse(cls, text: str) -> "BuildUri":
        """Read a URI; raises ClientError."""
        match = _URI.fullmatch(text)
        digits = match and (match["only_id"] or match["build_id"])
        if not match or len(digits or "") > _MAXIMUM_DIGITS or {".", ".."} & {match["namespace"], match["name"]}:
            raise ClientError(
                f"unable to parse uri={text}",
                "A build is <build-id>, <namespace>/<name> (its current build) or <namespace>/<name>:<build-id>.",
            )
        environment = EnvironmentName(match["namespace"], match["name"]) if match["name"] else None
        return cls(int(digits) if digits else None, environment)


def find_build_id(connection: Connection, uri: str) -> int:
    """Return the id of the build that a URI names; raises ClientError for one that belongs to somebody else."""
    parsed = BuildUri.parse(uri)
    if parsed.environment is None:
        assert parsed.build_id is not None  # noqa: S101  the pattern has no third case
        return parsed.build_id
    if parsed.build_id is None:
        return _current_build_id(connection, parsed.environment)
    build = find_build(connection, parsed.build_id)
    if build.environment_id != field(find_environment(connection, parsed.environment), "id", int):
        raise ClientError(f"build {build.id} does not belong to environment {parsed.environment}")
    return build.id


def find_environment(connection: Connection, environment: EnvironmentName) -> Any:
    """Return an environment as the server shows it."""
    path = f"/api/v1/environment/{quote(environment.namespace, safe='')}/{quote(environment.name, safe='')}/"
    try:
        return connection.get_data(path)
    except RequestRefused as refusal:
        raise refusal.told_as(f"Error getting environment {environment}") from None


def _current_build_id(connection: Connection, environment: EnvironmentName) -> int:
    found = find_environment(connection, environment)
    if isinstance(found, dict) and found.get("current_build_id") is None:
        raise ClientError(f"environment {environment} has no build yet")
    return field(found, "current_build_id", int)
