"""Makes the modules that existing configuration files import importable, for as long as such a file is read."""

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import spec_from_loader
from types import ModuleType

from conda_store_shared.compat.names import NAMES, OPTIONAL

_ROOTS = frozenset(name for name in NAMES if "." not in name)


@contextmanager
def foreign_names() -> Iterator[None]:
    """Let imports find our names below those of others; what was imported is forgotten again in the end."""
    roots = {root for root in _ROOTS if not (root in OPTIONAL and PathFinder.find_spec(root))}
    finder = _Finder(roots)
    aside = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] in roots}
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if name.partition(".")[0] in roots]:
            del sys.modules[name]
        sys.modules.update(aside)


class _Module(ModuleType):
    """A module whose names are looked up when they are asked for."""

    def __getattr__(self, name: str) -> object:
        known = NAMES[self.__name__]
        if name in known:
            module, _, ours = known[name].partition(":")
            return getattr(importlib.import_module(module), ours)
        if name.startswith("__"):
            raise AttributeError(name)
        if f"{self.__name__}.{name}" in NAMES:
            return importlib.import_module(f"{self.__name__}.{name}")
        raise ImportError(f"{self.__name__}.{name} has no counterpart here; known are {_listed(self.__name__)}")


class _Finder(MetaPathFinder, Loader):
    """Finds the modules of NAMES below some roots."""

    def __init__(self, roots: set[str]) -> None:
        self._roots = roots

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module of ours; raises ImportError for any other below the same root."""
        root, _, _ = fullname.partition(".")
        if root not in self._roots:
            return None
        if fullname not in NAMES:
            raise ImportError(f"{fullname} has no counterpart here; known are {_listed(fullname.rpartition('.')[0])}")
        return spec_from_loader(fullname, self, is_package=any(name.startswith(f"{fullname}.") for name in NAMES))

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return an empty module, whose names are found later."""
        return _Module(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: there is no code."""


def _listed(module: str) -> str:
    below = {name.removeprefix(f"{module}.").partition(".")[0] for name in NAMES if name.startswith(f"{module}.")}
    return ", ".join(sorted({*below, *NAMES.get(module, {})})) or "none"
