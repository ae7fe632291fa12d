"""Takes directories away: under their locks, and out of sight before anything in them is removed."""

import os
import stat
import uuid
from pathlib import Path

from conda_store_builder.adapters.directory_lock import LockHeld, locked
from conda_store_builder.adapters.whole_prefix import read_marker
from conda_store_builder.domain.prefix_path import TRASH, attempt_lock_of, lock_of, remains_of, trash_of
from conda_store_shared.conda.ownership import remove_tree


def remove_prefix(path: Path, patience: float) -> None:
    """Take a prefix away, whole or broken, and whatever else there is of it.

    Raises LockHeld when somebody is still at work on it after ``patience`` seconds.
    """
    trash = trash_of(path, uuid.uuid4().hex)
    lock = lock_of(path)
    with locked(lock, patience):
        if is_directory(path):
            path.rename(trash)
        lock.unlink(missing_ok=True)
    # Those who died in the middle have left an attempt, or what another request had begun to remove.
    for remains in remains_of(path, os.listdir(path.parent)):
        _remove_remains(remains, patience)


def remove_broken(final: Path) -> None:
    """Take away a prefix that is not whole; raises LockHeld when somebody works on it."""
    trash = trash_of(final, uuid.uuid4().hex)
    with locked(lock_of(final), 0.0):
        if is_directory(final) and read_marker(final) is None:
            final.rename(trash)
    remove_tree(trash)


def remove_attempt(attempt: Path, patience: float) -> None:
    """Take away an attempt that nobody works on; raises LockHeld when somebody does after ``patience`` seconds."""
    lock = attempt_lock_of(attempt)
    with locked(lock, patience):
        remove_tree(attempt)
        lock.unlink(missing_ok=True)


def is_directory(path: Path) -> bool:
    """Whether ``path`` is a directory and no link to one."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except FileNotFoundError:
        return False


def _remove_remains(path: Path, patience: float) -> None:
    if not path.name.startswith(TRASH):
        return remove_attempt(path, patience)
    remove_tree(path)
    if is_directory(path):
        raise LockHeld(f"{path} is being removed by another process")
