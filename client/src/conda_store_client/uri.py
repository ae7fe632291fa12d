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
_LEVELS = 2


@dataclass(frozen=True, slots=True)
class EnvironmentName:
    """An environment, with the namespace it is in."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> "EnvironmentName":
        """Read ``<namespace>/<name>``; raises ClientError."""
        namespace, _, name = text.partition("/")
        if not (_is_name(namespace) and _is_name(name)):
            raise ClientError(f"unable to parse environment={text}", "An environment is <namespace>/<name>.")
        return cls(namespace, name)


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
    try:
        return connection.get_data(environment_path(environment))
    except RequestRefused as refusal:
        raise refusal.told_as(f"Error getting environment {environment}") from None


def environment_path(environment: EnvironmentName) -> str:
    """The address of an environment."""
    return f"/api/v1/environment/{_quoted(environment.namespace)}/{_quoted(environment.name)}/"


def namespace_path(namespace: str) -> str:
    """The address of a namespace; raises ClientError."""
    if not _is_name(namespace):
        raise ClientError(f"unable to parse namespace={namespace}")
    return f"/api/v1/namespace/{_quoted(namespace)}/"


def settings_path(place: str | None) -> str:
    """The address of the settings of ``<namespace>``, of ``<namespace>/<name>``, or of the deployment (None).

    Raises ClientError.
    """
    if place is None:
        return "/api/v1/setting/"
    names = place.split("/")
    if not all(map(_is_name, names)) or len(names) > _LEVELS:
        raise ClientError(f"unable to parse {place}", "Settings hold for <namespace> or <namespace>/<name>.")
    return f"/api/v1/setting/{'/'.join(map(_quoted, names))}/"


def place_of(text: str) -> tuple[str, str | None]:
    """Read ``<namespace>`` or ``<namespace>/<name>``; raises ClientError."""
    namespace, *rest = text.split("/")
    if not all(map(_is_name, (namespace, *rest))) or len(rest) >= _LEVELS:
        raise ClientError(f"unable to parse {text}", "Give <namespace> or <namespace>/<name>.")
    return namespace, rest[0] if rest else None


def _is_name(text: str) -> bool:
    return re.fullmatch(_NAME, text) is not None and text not in (".", "..")


def _quoted(name: str) -> str:
    return quote(name, safe="")


def _current_build_id(connection: Connection, environment: EnvironmentName) -> int:
    found = find_environment(connection, environment)
    if isinstance(found, dict) and found.get("current_build_id") is None:
        raise ClientError(f"environment {environment} has no build yet")
    return field(found, "current_build_id", int)
