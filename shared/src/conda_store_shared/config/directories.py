"""Where conda-store keeps its data when nobody says otherwise."""

import os
from pathlib import Path


def data_directory() -> Path:
    """``$XDG_DATA_HOME/conda-store``, by default ``~/.local/share/conda-store``."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "conda-store"


def cache_directory() -> Path:
    """``$XDG_CACHE_HOME/conda-store``, by default ``~/.cache/conda-store``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "conda-store"
