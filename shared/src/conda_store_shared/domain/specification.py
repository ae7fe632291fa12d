"""environment.yaml as a value: read, checked, normalised, digested (contract §2.4)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from conda_store_shared.domain.canonical import digest_of
from conda_store_shared.domain.names import EnvironmentName, environment_name
from conda_store_shared.domain.wanted_platforms import (
    VirtualPackages,
    check_cuda_variable,
    read_platforms,
    read_virtual_packages,
)
from conda_store_shared.errors import InvalidName, InvalidSpecification

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
TRUSTED_HOST = "--trusted-host"
PIP_OPTIONS = ("--index-url", "--extra-index-url", TRUSTED_HOST)


# Told at once; a document that is something else altogether would name thousands.
MAXIMUM_PROBLEMS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Specification:
    """What a user asks for.  ``dependencies`` are MatchSpecs; ``pip`` are requirements and pip options, as written.

    Empty ``platforms`` are those of the settings; ``virtual_packages`` are as ``domain.wanted_platforms`` tells.
    """

    name: EnvironmentName
    channels: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    pip: tuple[str, ...] = ()
    description: str | None = ""
    prefix: str | None = None
    variables: Mapping[str, str | int] | None = field(default=None, hash=False)
    platforms: tuple[str, ...] = ()
    virtual_packages: VirtualPackages = field(default_factory=dict, hash=False)

    @classmethod
    def from_value(cls, value: Any) -> "Specification":
        """Check a decoded document; unknown keys are dropped.

        Raises InvalidSpecification with a line for each place that is wrong.
        """
        reading = _Reading()
        if not isinstance(value, Mapping):
            reading.refuse("Input should be a valid dictionary or object", "model_type")
            value = {"name": "unknown"}
        dependencies, pip = reading.dependencies(value.get("dependencies"))
        specification = cls(
            name=reading.name(value),
            channels=reading.texts(value.get("channels"), "channels"),
            dependencies=dependencies,
            pip=pip,
            description=reading.optional_text(value.get("description", ""), "description"),
            prefix=reading.optional_text(value.get("prefix"), "prefix"),
            variables=reading.variables(value.get("variables")),
            platforms=read_platforms(value.get("platforms"), reading.refuse),
            virtual_packages=read_virtual_packages(value, reading.refuse),
        )
        reading.finish()
        return specification

    def to_value(self) -> dict[str, Any]:
        """The stored form: six keys in the order upstream keeps them, and others only where they are given."""
        dependencies: list[Any] = list(self.dependencies)
        if self.pip:
            dependencies.append({"pip": list(self.pip)})
        value: dict[str, Any] = {
            "channels": list(self.channels),
            "dependencies": dependencies,
            "description": self.description,
            "name": self.name,
            "prefix": self.prefix,
            "variables": dict(self.variables) if self.variables is not None else None,
        }
        if self.platforms:
            value["platforms"] = list(self.platforms)
        if self.virtual_packages:
            value["virtual_packages"] = {
                name: dict(one) if isinstance(one, Mapping) else one for name, one in self.virtual_packages.items()
            }
        return value

    @property
    def sha256(self) -> str:
        """Digest of the stored form.  List order counts, because channel order is channel priority."""
        return digest_of(self.to_value())


class _Reading:
    """Takes a document apart, and remembers everything that is wrong with it."""

    def __init__(self) -> None:
        self._problems: list[str] = []

    def refuse(self, message: str, kind: str, *location: str | int) -> None:
        self._problems.append(f"{message} (type={kind}, loc={location})")

    def finish(self) -> None:
        if not self._problems:
            return
        more = len(self._problems) - MAXIMUM_PROBLEMS
        rest = [f"… and {more} more"] if more > 0 else []
        raise InvalidSpecification("\n".join([*self._problems[:MAXIMUM_PROBLEMS], *rest]))

    def name(self, value: Mapping[str, Any]) -> EnvironmentName:
        if "name" not in value:
            self.refuse("Field required", "missing", "name")
            return EnvironmentName("")
        known = len(self._problems)
        text = self.text(value["name"], "name")
        try:
            return environment_name(text)
        except InvalidName as error:
            if len(self._problems) == known:
                self.refuse(str(error), "value_error", "name")
            return EnvironmentName("")

    def text(self, value: Any, *location: str | int) -> str:
        if not isinstance(value, str):
            self.refuse("Input should be a valid string", "string_type", *location)
            return ""
        if _UNSTORABLE.search(value):
            told = "Text may not contain NUL characters or halves of surrogate pairs"
            self.refuse(told, "value_error", *location)
        return value

    def optional_text(self, value: Any, *location: str | int) -> str | None:
        return None if value is None else self.text(value, *location)

    def texts(self, value: Any, *location: str | int) -> tuple[str, ...]:
        return tuple(self.text(element, *location, index) for index, element in enumerate(self._list(value, *location)))

    def dependencies(self, value: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
        conda: list[str] = []
        pip: list[str] = []
        for index, element in enumerate(self._list(value, "dependencies")):
            if not isinstance(element, Mapping):
                conda.append(self.text(element, "dependencies", index))
            elif set(element) == {"pip"}:
                pip.extend(self.texts(element["pip"], "dependencies", index, "pip"))
            else:
                self.refuse("Only a pip section may stand among the dependencies", "extra", "dependencies", index)
        return tuple(conda), tuple(pip)

    def variables(self, value: Any) -> dict[str, str | int] | None:
        if value is None:
            return None
        if not isinstance(value, Mapping):
            self.refuse("Input should be a valid dictionary", "dict_type", "variables")
            return None
        for key, element in value.items():
            self.text(key, "variables")
            if isinstance(element, bool) or not isinstance(element, str | int):
                self.refuse("Input should be a valid string or integer", "string_type", "variables", key)
        found = dict(value)
        check_cuda_variable(found, self.refuse)
        return found

    def _list(self, value: Any, *location: str | int) -> Sequence[Any]:
        if value is None:
            return ()
        if not isinstance(value, Sequence) or isinstance(value, str):
            self.refuse("Input should be a valid list", "list_type", *location)
            return ()
        return value
