"""Platforms of conda as images name them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_ARCHITECTURES = {
    "linux-64": ("amd64", ""),
    "linux-32": ("386", ""),
    "linux-aarch64": ("arm64", "v8"),
    "linux-armv6l": ("arm", "v6"),
    "linux-armv7l": ("arm", "v7"),
    "linux-ppc64le": ("ppc64le", ""),
    "linux-riscv64": ("riscv64", ""),
    "linux-s390x": ("s390x", ""),
}


@dataclass(frozen=True, slots=True, order=True)
class ImagePlatform:
    """Whom an image is for; ``variant`` is empty where the architecture has none."""

    architecture: str
    variant: str = ""
    os: str = "linux"

    @classmethod
    def of(cls, platform: str) -> "ImagePlatform | None":
        """Return whom an image of a conda platform is for; None for those that have no images (not Linux)."""
        found = _ARCHITECTURES.get(platform)
        return None if found is None else cls(*found)

    @classmethod
    def from_value(cls, value: Mapping[str, Any]) -> "ImagePlatform":
        """Read the platform of an index or of a configuration."""
        return cls(str(value.get("architecture", "")), str(value.get("variant", "")), str(value.get("os", "linux")))

    def to_value(self) -> dict[str, str]:
        """The platform as documents of an image tell it."""
        value = {"architecture": self.architecture, "os": self.os}
        return {**value, "variant": self.variant} if self.variant else value

    def runs(self, other: "ImagePlatform") -> bool:
        """Whether what is for ``other`` is for this platform as well: many leave a variant out."""
        same = (self.os, self.architecture) == (other.os, other.architecture)
        return same and (not self.variant or not other.variant or self.variant == other.variant)

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)
