"""The start of a command, which is mostly importing."""

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module


def command(module: str, function: str) -> Callable[[], None]:
    """Return what imports ``module`` and runs its ``function``, for the table of commands in a ``pyproject.toml``."""

    def run() -> None:
        # Modules are no garbage, neither now nor later.  Looking through them for some takes a fifth of the start, and
        # a tenth of a second again and again while requests wait.
        gc.disable()
        with _no_rich():
            import_module("structlog")
        started: Callable[[], None] = getattr(import_module(module), function)
        gc.freeze()
        gc.enable()
        started()

    return run


@contextmanager
def _no_rich() -> Iterator[None]:
    """Let rich not be found: structlog imports it wherever it is, four megabytes for the colours of a traceback."""
    had = "rich" in sys.modules
    if not had:
        sys.modules["rich"] = None  # type: ignore[assignment]  # how a module is kept from being imported
    try:
        yield
    finally:
        if not had:
            del sys.modules["rich"]
