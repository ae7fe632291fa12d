"""What a platform is taken to provide by itself: ``__glibc``, ``__cuda`` …, the same as conda-lock presumes."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from conda_store_shared.domain.wanted_platforms import CUDA, CUDA_VARIABLE


def _linux(architecture: str) -> dict[str, str]:
    return {
        "__unix": "0",
        "__linux": "5.10",
        "__archspec": f"1 {architecture}",
        "__glibc": "2.28",
        CUDA: "11.4",
    }


DEFAULTS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "linux-64": _linux("x86_64"),
        "linux-aarch64": _linux("aarch64"),
        "linux-ppc64le": _linux("ppc64le"),
        "osx-64": {"__unix": "0", "__archspec": "1 x86_64", "__osx": "11.0"},
        "osx-arm64": {"__unix": "0", "__archspec": "1 arm64", "__osx": "11.0"},
        "win-64": {"__win": "0", "__archspec": "1 x86_64", CUDA: "11.4"},
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualPackage:
    """A virtual package; ``build`` is empty where nothing is said about it."""

    name: str
    version: str
    build: str = ""


def virtual_packages(
    platform: str,
    variables: Mapping[str, str | int] | None = None,
    overrides: Mapping[str, str] | None = None,
) -> tuple[VirtualPackage, ...]:
    """What ``platform`` provides: its defaults, CONDA_OVERRIDE_CUDA of a specification's variables, then ``overrides``.

    A version is ``version`` or ``version build``; an empty one takes the package away.
    """
    versions = dict(DEFAULTS.get(platform, {}))
    if CUDA in versions and variables and CUDA_VARIABLE in variables:
        versions[CUDA] = str(variables[CUDA_VARIABLE])
    versions.update(overrides or {})
    return tuple(_virtual_package(name, text) for name, text in versions.items() if text.strip())


def _virtual_package(name: str, text: str) -> VirtualPackage:
    version, _, build = text.strip().partition(" ")
    return VirtualPackage(name=name, version=version, build=build.strip())
