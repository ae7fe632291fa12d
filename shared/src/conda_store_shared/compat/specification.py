"""A specification as hooks of configuration files know it, and change it."""

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class CondaSpecificationPip:
    """The pip section among the dependencies."""

    pip: list[str] = field(default_factory=list)


@dataclass(slots=True)
class CondaSpecification:
    """What a user asks for; everything may be changed or replaced."""

    name: str
    channels: list[str] = field(default_factory=list)
    dependencies: list[str | CondaSpecificationPip] = field(default_factory=list)
    description: str | None = ""
    prefix: str | None = None
    variables: MutableMapping[str, str | int] | None = None
    platforms: list[str] = field(default_factory=list)
    virtual_packages: MutableMapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_value(cls, value: Mapping[str, Any]) -> "CondaSpecification":
        """Return what the stored form of a specification says."""
        dependencies = [
            CondaSpecificationPip(pip=list(one["pip"])) if isinstance(one, Mapping) else one
            for one in value["dependencies"]
        ]
        return cls(**{**value, "dependencies": dependencies})

    def to_value(self) -> MutableMapping[str, Any]:
        """Return the stored form, of which nothing is checked."""
        dependencies: Any = self.dependencies
        if isinstance(dependencies, list | tuple):
            dependencies = [{"pip": one.pip} if isinstance(one, CondaSpecificationPip) else one for one in dependencies]
        value = {
            "channels": self.channels,
            "dependencies": dependencies,
            "description": self.description,
            "name": self.name,
            "prefix": self.prefix,
            "variables": self.variables,
        }
        given = {"platforms": self.platforms, "virtual_packages": self.virtual_packages}
        return value | {name: one for name, one in given.items() if one}

    # As hooks of old ask for it, by the names of either release of pydantic.
    model_dump = to_value
    dict = to_value
