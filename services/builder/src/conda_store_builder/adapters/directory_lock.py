"""An exclusive lock on a file, held by a process: it is free the moment its holder is gone, however it went."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_TICK = 0.05


class LockHeld(Exception):
    """Raised when somebody else holds the lock and there is no time to wait for it."""


@contextmanager
def locked(path: Path, patience: float) -> Iterator[None]:
    """Hold the lock file ``path``, made when missing; raises LockHeld after ``patience`` seconds.

    The holder may remove the file: whoever waited for it meanwhile notices and takes the new one.
    """
    descriptor = take_lock(path, patience)
    try:
        yield
    finally:
        os.close(descriptor)


def take_lock(path: Path, patience: float) -> int:
    """As ``locked``; the lock is given back by closing the returned descriptor."""
    deadline = time.monotonic() + patience
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        # Asked again and again, not waited for: a process that stands still is never given the lock.
        if _try(descriptor) and _is_still(descriptor, path):
            return descriptor
        os.close(descriptor)
        if time.monotonic() >= deadline:
            raise LockHeld(f"{path} is held by another process")
        time.sleep(_TICK)


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_still(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False
