"""Solves a specification on the server, without building it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from conda_store_client.answers import field, not_conda_store
from conda_store_client.connection import Connection
from conda_store_client.errors import ClientError, RequestRefused

# Longer than servers let a solver work.
_PATIENCE = 1800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """What is to be solved: channels, MatchSpecs, pip requirements; no platforms are those of the server's settings."""

    channels: Sequence[str]
    conda: Sequence[str]
    pip: Sequence[str]
    platforms: Sequence[str] = ()


def read_requirements(text: str, file: str) -> Requirements:
    """Return what a specification asks for; ``file`` names it in errors.  Raises ClientError."""
    try:
        specification = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ClientError(f"Unable to parse {file}. Invalid YAML", str(error)) from None
    if not isinstance(specification, dict):
        raise ClientError(f"{file} is no specification", "One has channels and dependencies.")
    if "package" in specification and "metadata" in specification:
        raise ClientError(f"{file} is a lockfile", "It says already which packages it comes to.")
    dependencies = specification.get("dependencies") or []
    if not isinstance(dependencies, list):
        raise ClientError(f"the dependencies in {file} are no list")
    return Requirements(
        channels=_texts(specification.get("channels") or [], "channels", file),
        conda=_texts([one for one in dependencies if not isinstance(one, dict)], "dependencies", file),
        pip=tuple(_pip_requirements(dependencies, file)),
        platforms=_texts(specification.get("platforms") or [], "platforms", file),
    )


def solve(connection: Connection, requirements: Requirements, file: str) -> list[dict[str, Any]]:
    """Return the packages as the server describes them; raises ClientError."""
    query = {
        "channel": requirements.channels,
        "conda": requirements.conda,
        "pip": requirements.pip,
        "platform": requirements.platforms,
    }
    try:
        response = connection.get("/api/v1/specification/", query, patience=_PATIENCE)
    except RequestRefused as refusal:
        raise refusal.told_as(f"Error solving {file}") from None
    try:
        answer = response.json()
    except ValueError:
        raise not_conda_store(response) from None
    rows: list[dict[str, Any]] = field(answer, "solve", list)
    return rows


def _pip_requirements(dependencies: Sequence[object], file: str) -> Iterator[str]:
    for one in dependencies:
        if isinstance(one, dict):
            if set(one) != {"pip"}:
                raise ClientError(f"a dependency in {file} is neither text nor pip: {one}")
            yield from _texts(one["pip"] or [], "pip requirements", file)


def _texts(values: object, what: str, file: str) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ClientError(f"the {what} in {file} are no list of texts")
    return tuple(values)
