"""What a specification says of platforms: which it is locked for, and what each is taken to provide by itself.

Virtual packages are written for all platforms that can have them, or below a platform for that one alone::

    platforms: [linux-64, osx-arm64]
    virtual_packages:
      __cuda: "12.4"
      linux-64:
        __glibc: "2.17"
        __archspec: "1 x86_64_v3"
        __cuda: null              # it has none

``system-requirements`` is the same as pixi writes it: linux, cuda, macos, libc, archspec.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from conda_store_shared.domain.platforms import NOARCH, PLATFORMS

VirtualPackages = Mapping[str, str | Mapping[str, str]]

CUDA, CUDA_VARIABLE = "__cuda", "CONDA_OVERRIDE_CUDA"

_NAME = re.compile(r"__[a-z0-9][a-z0-9_]{0,62}")
# Two parts: a version, which is numeric for all of them, and a build, which names the processor of __archspec.
_VERSION = re.compile(r"\d{1,9}(?:\.\d{1,9}){0,7}(?: [A-Za-z0-9_.]{1,64})?")
_BUILD = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,63}")
_ARCHSPEC = "__archspec"
# Where a package for all platforms belongs: platforms by how they begin.
_AT_HOME = {
    "__glibc": ("linux-",),
    "__linux": ("linux-",),
    "__musl": ("linux-",),
    "__osx": ("osx-",),
    "__win": ("win-",),
    "__unix": ("linux-", "osx-"),
    CUDA: ("linux-", "win-"),
}
_REQUIREMENTS = {"linux": "__linux", "cuda": CUDA, "macos": "__osx", "archspec": _ARCHSPEC}
_LIBC, _GLIBC = "libc", "glibc"
SYSTEM_REQUIREMENTS = ("system-requirements", "system_requirements")


class Refuse(Protocol):
    """Remembers what is wrong: a message, its kind, and the place."""

    def __call__(self, message: str, kind: str, *location: str | int) -> None: ...


def read_platforms(value: Any, refuse: Refuse) -> tuple[str, ...]:
    """Return the platforms once each, in order; ``noarch`` is part of every one and left out."""
    if value is None:
        return ()
    if not isinstance(value, Sequence) or isinstance(value, str):
        refuse("Input should be a valid list", "list_type", "platforms")
        return ()
    for index, platform in enumerate(value):
        if not isinstance(platform, str):
            refuse("Input should be a valid string", "string_type", "platforms", index)
        elif platform not in (*PLATFORMS, NOARCH):
            known = ", ".join(PLATFORMS)
            refuse(f"Platform {platform!r} is not known; known are {known}", "value_error", "platforms", index)
    return tuple(dict.fromkeys(one for one in value if one in PLATFORMS))


def read_virtual_packages(value: Mapping[str, Any], refuse: Refuse) -> VirtualPackages:
    """Return the virtual packages in ``value``, a whole specification; those written as such win over requirements."""
    reading = _Reading(refuse)
    found: dict[str, str | Mapping[str, str]] = {}
    for key in SYSTEM_REQUIREMENTS:
        found.update(reading.requirements(value.get(key), key))
    written = reading.mapping(value.get("virtual_packages"), "virtual_packages")
    for name, element in written.items():
        if name in PLATFORMS:
            below = reading.mapping(element, "virtual_packages", name)
            found[name] = {inner: reading.version(inner, one, name) for inner, one in below.items()}
        else:
            found[name] = reading.version(name, element)
    return found


def check_cuda_variable(variables: Mapping[str, str | int] | None, refuse: Refuse) -> None:
    """Refuse a variable CONDA_OVERRIDE_CUDA that is no version; an empty one says that there is no CUDA."""
    text = str((variables or {}).get(CUDA_VARIABLE, "")).strip()
    if text and not _VERSION.fullmatch(text):
        told = f"{text[:80]!r} is no version of CUDA; write one such as 12.4, or nothing for none"
        refuse(told, "value_error", "variables", CUDA_VARIABLE)


def provided_by(platform: str, virtual_packages: VirtualPackages) -> dict[str, str]:
    """What a specification says that ``platform`` provides; an empty version takes a package away."""
    found = {
        name: version
        for name, version in virtual_packages.items()
        if isinstance(version, str) and platform.startswith(_AT_HOME.get(name, ("",)))
    }
    own = virtual_packages.get(platform)
    return found | dict(own) if isinstance(own, Mapping) else found


class _Reading:
    def __init__(self, refuse: Refuse) -> None:
        self._refuse = refuse

    def mapping(self, value: Any, *location: str) -> Mapping[Any, Any]:
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            self._refuse("Input should be a valid dictionary", "dict_type", *location)
            return {}
        return value

    def requirements(self, value: Any, key: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, element in self.mapping(value, key).items():
            if name == _LIBC:
                family, version = self._libc(element, key)
                found[f"__{family}"] = self._text(f"__{family}", version, key, name)
            elif name in _REQUIREMENTS:
                found[_REQUIREMENTS[name]] = self._text(_REQUIREMENTS[name], element, key, name)
            else:
                known = ", ".join((*_REQUIREMENTS, _LIBC))
                self._refuse(f"System requirement {name!r} is not known; known are {known}", "value_error", key)
        return found

    def _libc(self, value: Any, key: str) -> tuple[str, Any]:
        if not isinstance(value, Mapping):
            return _GLIBC, value
        family = value.get("family", _GLIBC)
        if isinstance(family, str) and _NAME.fullmatch(f"__{family}"):
            return family, value.get("version")
        self._refuse(f"Family of libc {family!r} is not known; such as glibc", "value_error", key, _LIBC)
        return _GLIBC, None

    def version(self, name: Any, value: Any, *platform: str) -> str:
        location = ("virtual_packages", *platform, str(name))
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            told = f"{name!r} is neither a virtual package, such as __glibc, nor a platform, such as linux-64"
            self._refuse(told, "value_error", *location[:-1])
            return ""
        return self._text(name, value, *location)

    def _text(self, name: str, value: Any, *location: str) -> str:
        if value is None or value == "":
            return ""
        if isinstance(value, float):
            # 12.10 would have become 12.1 before we see it.
            self._refuse(f"Write the version of {name} in quotes", "string_type", *location)
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int):
            self._refuse("Input should be a valid string", "string_type", *location)
            return ""
        text = " ".join(str(value).split())
        if name == _ARCHSPEC and _BUILD.fullmatch(text):
            text = f"1 {text}"
        if not _VERSION.fullmatch(text):
            self._refuse(f"{text[:80]!r} is no version of {name}; such as 2.28", "value_error", *location)
        return text
