"""What a suite still holds of something: looked for on the disk and in the bucket."""

from collections.abc import Iterator
from pathlib import Path

from conda_store_shared.testing.servers.conda_store import Suite
from conda_store_shared.testing.servers.process import wait_until

# What builders share and leave for each other; nothing in it is of one environment for long.
_OWN = (".builder", ".cache")


def remains_of(suite: Suite, name: str) -> list[str]:
    """Every path below the store directory, and every key, that ``name`` is part of."""
    paths = (path for path in _walk(suite.store_directory) if name in str(path.relative_to(suite.store_directory)))
    return sorted([*map(str, paths), *(key for key in suite.object_keys() if name in key)])


def all_gone(suite: Suite, name: str, timeout: float = 60) -> bool:
    """Whether nothing of ``name`` is left before the time is over."""
    return wait_until(lambda: not remains_of(suite, name), timeout)


def _walk(directory: Path) -> Iterator[Path]:
    try:
        paths = list(directory.iterdir())
    except FileNotFoundError:
        # Removed since it was seen.
        return
    for path in paths:
        if path.name not in _OWN:
            yield path
            if path.is_dir() and not path.is_symlink() and not (path / "conda-meta").exists():
                yield from _walk(path)
