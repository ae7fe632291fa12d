"""Reads what a user submits: YAML or JSON text of a specification or of a lockfile (contract §1.4, §2.4, §2.5)."""

import json
from contextlib import suppress
from typing import Any

import yaml

from conda_store_api.use_cases.resolve_order import Submission
from conda_store_shared.conda.match_spec import check_dependencies
from conda_store_shared.db.models import Specification as StoredSpecification
from conda_store_shared.domain.canonical import digest_of
from conda_store_shared.domain.lockfile import Lockfile
from conda_store_shared.domain.names import environment_name
from conda_store_shared.domain.specification import Specification
from conda_store_shared.errors import InvalidLockfile, InvalidSpecification

INVALID_YAML = "Unable to parse. Invalid YAML"
# Reading YAML takes about a second a megabyte, during which nobody else is served.
MAXIMUM_SPECIFICATION = 200_000
MAXIMUM_LOCKFILE = 16 * 1024 * 1024
# A document is read by recursion in C: some ten thousand levels end the process.
MAXIMUM_DEPTH = 100
# Small values take longest to read: as many as fit 200,000 characters take more than a second.
MAXIMUM_PARTS = 30_000
_TIMESTAMP = "tag:yaml.org,2002:timestamp"


class _Loader(yaml.CSafeLoader):
    """Reads what looks like a date as text, which is all that JSON has."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - read by PyYAML
        first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


def load_yaml(text: str) -> Any:
    """Return the document in ``text``, YAML or JSON; raises InvalidSpecification.

    Aliases are refused: nobody's environment needs them, and nested ones grow without bound.
    """
    try:
        if text.lstrip().startswith("{"):
            with suppress(json.JSONDecodeError):
                return json.loads(text)
        if len(text) > MAXIMUM_SPECIFICATION:
            raise InvalidSpecification(f"YAML of {len(text)} characters; at most {MAXIMUM_SPECIFICATION}, or send JSON")
        _check_structure(text)
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError) as error:
        raise InvalidSpecification(INVALID_YAML) from error


def _check_structure(text: str) -> None:
    depth = 0
    for number, event in enumerate(yaml.parse(text, yaml.CSafeLoader)):
        if isinstance(event, yaml.AliasEvent):
            raise InvalidSpecification(f"{INVALID_YAML}: aliases are not allowed")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAXIMUM_DEPTH:
            raise InvalidSpecification(f"{INVALID_YAML}: more than {MAXIMUM_DEPTH} levels")
        if number > MAXIMUM_PARTS:
            raise InvalidSpecification(f"{INVALID_YAML}: more than {MAXIMUM_PARTS} keys and values; send JSON")


def read_specification(text: str) -> Submission:
    """Read an environment specification; raises InvalidSpecification."""
    if len(text) > MAXIMUM_SPECIFICATION:
        raise InvalidSpecification(f"the specification has {len(text)} characters; at most {MAXIMUM_SPECIFICATION}")
    return check_submitted(load_yaml(text))


def check_submitted(value: Any) -> Submission:
    """Read a decoded environment specification; raises InvalidSpecification."""
    specification = Specification.from_value(value)
    check_dependencies(specification)
    return Submission.of(specification)


def read_lockfile(text: str, name: str, description: str) -> Submission:
    """Read a conda-lock lockfile for the environment ``name``; raises InvalidLockfile, InvalidName."""
    if len(text) > MAXIMUM_LOCKFILE:
        raise InvalidSpecification(f"the lockfile has {len(text)} characters; at most {MAXIMUM_LOCKFILE}")
    lockfile = Lockfile.from_value(load_yaml(text))
    value = {"name": environment_name(name), "description": description, "lockfile": dict(lockfile.value)}
    try:
        digest = digest_of(value)
    except (TypeError, ValueError) as error:
        raise InvalidLockfile(f"the lockfile has values that JSON does not have: {error}") from error
    return Submission(
        name=name,
        value=value,
        sha256=digest,
        specification=None,
        lockfile=lockfile,
        description=description,
    )


def stored_submission(row: StoredSpecification) -> Submission:
    """Read a specification that was checked when it was stored."""
    specification = None if row.is_lockfile else Specification.from_value(row.spec)
    return Submission(
        name=row.name,
        value=row.spec,
        sha256=row.sha256,
        specification=specification,
        lockfile=Lockfile.from_value(row.spec["lockfile"]) if row.is_lockfile else None,
        description=row.spec.get("description"),
    )
