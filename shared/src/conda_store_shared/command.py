"""The start of a command, which is mostly importing."""

import gc
from collections.abc import Callable
from importlib import import_module


def command(module: str, function: str) -> Callable[[], None]:
    """Return what imports ``module`` and runs its ``function``, for the table of commands in a ``pyproject.toml``."""

    def run() -> None:
        # Modules are no garbage, neither now nor later.  Looking through them for some takes a fifth of the start, and
        # a tenth of a second again and again while requests wait.
        gc.disable()
        started: Callable[[], None] = getattr(import_module(module), function)
        gc.freeze()
        gc.enable()
        started()

    return run
