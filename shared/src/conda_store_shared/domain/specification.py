"""environment.yaml as a value: read, checked, normalised, digested (contract §2.4)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from conda_store_shared.domain.canonical import digest_of
from conda_store_shared.domain.names import EnvironmentName, environment_name
from conda_store_shared.errors import InvalidName, InvalidSpecification

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
PIP_OPTIONS = ("--index-url", "--extra-index-url", "--trusted-host")


def _fail(message: str, kind: str, *location: str | int) -> InvalidSpecification:
    return InvalidSpecification(f"{message} (type={kind}, loc={location})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Specification:
    """What a user asks for.  ``dependencies`` are MatchSpecs; ``pip`` are requirements and pip options, as written."""

    name: EnvironmentName
    channels: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    pip: tuple[str, ...] = ()
    description: str | None = ""
    prefix: str | None = None
    variables: Mapping[str, str | int] | None = field(default=None, hash=False)

    @classmethod
    def from_value(cls, value: Any) -> "Specification":
        """Check a decoded document; unknown keys are dropped.  Raises InvalidSpecification naming the place."""
        if not isinstance(value, Mapping):
            raise _fail("Input should be a valid dictionary or object", "model_type")
        if "name" not in value:
            raise _fail("Field required", "missing", "name")
        try:
            name = environment_name(_text(value["name"], "name"))
        except InvalidName as error:
            raise _fail(str(error), "value_error", "name") from error
        dependencies, pip = _dependencies(value.get("dependencies"))
        return cls(
            name=name,
            channels=_texts(value.get("channels"), "channels"),
            dependencies=dependencies,
            pip=pip,
            description=_optional_text(value.get("description", ""), "description"),
            prefix=_optional_text(value.get("prefix"), "prefix"),
            variables=_variables(value.get("variables")),
        )

    def to_value(self) -> dict[str, Any]:
        """The stored form: always the same six keys, in the order upstream keeps them."""
        dependencies: list[Any] = list(self.dependencies)
        if self.pip:
            dependencies.append({"pip": list(self.pip)})
        return {
            "channels": list(self.channels),
            "dependencies": dependencies,
            "description": self.description,
            "name": self.name,
            "prefix": self.prefix,
            "variables": dict(self.variables) if self.variables is not None else None,
        }

    @property
    def sha256(self) -> str:
        """Digest of the stored form.  List order counts, because channel order is channel priority."""
        return digest_of(self.to_value())


def _text(value: Any, *location: str | int) -> str:
    if not isinstance(value, str):
        raise _fail("Input should be a valid string", "string_type", *location)
    if _UNSTORABLE.search(value):
        raise _fail("Text may not contain NUL characters or halves of surrogate pairs", "value_error", *location)
    return value


def _optional_text(value: Any, *location: str | int) -> str | None:
    return None if value is None else _text(value, *location)


def _texts(value: Any, *location: str | int) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise _fail("Input should be a valid list", "list_type", *location)
    return tuple(_text(element, *location, index) for index, element in enumerate(value))


def _dependencies(value: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if value is None:
        return (), ()
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise _fail("Input should be a valid list", "list_type", "dependencies")
    conda: list[str] = []
    pip: list[str] = []
    for index, element in enumerate(value):
        if isinstance(element, Mapping):
            if set(element) != {"pip"}:
                raise _fail("Only a pip section may stand among the dependencies", "extra", "dependencies", index)
            pip.extend(_texts(element["pip"], "dependencies", index, "pip"))
        else:
            conda.append(_text(element, "dependencies", index))
    return tuple(conda), tuple(pip)


def _variables(value: Any) -> dict[str, str | int] | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise _fail("Input should be a valid dictionary", "dict_type", "variables")
    for key, element in value.items():
        _text(key, "variables")
        if isinstance(element, bool) or not isinstance(element, str | int):
            raise _fail("Input should be a valid string or integer", "string_type", "variables", key)
    return dict(value)
