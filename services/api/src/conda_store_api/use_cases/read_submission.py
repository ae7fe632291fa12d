"""Reads what a user submits: YAML or JSON text of a specification (contract §1.4, §2.4)."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import yaml

from conda_store_api.use_cases.refuse_credentials import refuse_credentials_of
from conda_store_api.use_cases.resolve_order import Submission
from conda_store_shared.conda.match_spec import check_dependencies
from conda_store_shared.db.models import Specification as StoredSpecification
from conda_store_shared.domain.lockfile import Lockfile
from conda_store_shared.domain.locks.explicit_reading import is_explicit_list
from conda_store_shared.domain.locks.pixi_reading import is_pixi_lock
from conda_store_shared.domain.specification import Specification
from conda_store_shared.errors import InvalidSpecification

INVALID_YAML = "Unable to parse. Invalid YAML"
# Reading YAML takes about a second a megabyte, during which nobody else is served.
MAXIMUM_SPECIFICATION = 200_000
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


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlLimits:
    """How much YAML is read: ``characters``, and ``parts``, keys and values together."""

    characters: int = MAXIMUM_SPECIFICATION
    parts: int = MAXIMUM_PARTS


_SPECIFICATION = YamlLimits()


def load_yaml(text: str, limits: YamlLimits = _SPECIFICATION) -> Any:
    """Return the document in ``text``, YAML or JSON; raises InvalidSpecification.

    Aliases are refused: nobody's environment needs them, and nested ones grow without bound.
    """
    try:
        if text.lstrip().startswith("{"):
            with suppress(json.JSONDecodeError):
                return json.loads(text)
        if len(text) > limits.characters:
            raise InvalidSpecification(f"YAML of {len(text)} characters; at most {limits.characters}, or send JSON")
        _check_structure(text, limits)
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError) as error:
        raise InvalidSpecification(INVALID_YAML) from error


def _check_structure(text: str, limits: YamlLimits) -> None:
    depth = 0
    for number, event in enumerate(yaml.parse(text, yaml.CSafeLoader)):
        if isinstance(event, yaml.AliasEvent):
            raise InvalidSpecification(f"{INVALID_YAML}: aliases are not allowed")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAXIMUM_DEPTH:
            raise InvalidSpecification(f"{INVALID_YAML}: more than {MAXIMUM_DEPTH} levels")
        if number > limits.parts:
            raise InvalidSpecification(f"{INVALID_YAML}: more than {limits.parts} keys and values; send JSON")


def read_specification(text: str) -> Submission:
    """Read an environment specification; raises InvalidSpecification."""
    if len(text) > MAXIMUM_SPECIFICATION:
        raise InvalidSpecification(f"the specification has {len(text)} characters; at most {MAXIMUM_SPECIFICATION}")
    if is_explicit_list(text) or _is_lock(value := load_yaml(text)):
        raise InvalidSpecification("this is a lockfile; submit it with is_lockfile and an environment_name")
    return check_submitted(value)


def check_submitted(value: Any) -> Submission:
    """Read a decoded environment specification; raises InvalidSpecification."""
    specification = Specification.from_value(value)
    # First: of what makes no sense, the text is told.
    refuse_credentials_of(specification)
    check_dependencies(specification)
    return Submission.of(specification)


def _is_lock(value: Any) -> bool:
    return is_pixi_lock(value) or (isinstance(value, Mapping) and "package" in value and "metadata" in value)


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
