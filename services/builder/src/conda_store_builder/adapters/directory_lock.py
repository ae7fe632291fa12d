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
def locked(path: Path, patience: float | None = None) -> Iterator[None]:
    """Hold the lock file ``path``, made when missing; raises LockHeld after ``patience`` seconds, None waits for ever.

    The holder may remove the file: whoever waited for it meanwhile notices and takes the new one.
    """
    descriptor = take_lock(path, patience)
    try:
        yield
    finally:
        os.close(descriptor)


def take_lock(path: Path, patience: float | None) -> int:
    """As ``locked``; the lock is given back by closing the returned descriptor."""
    deadline = None if patience is None else time.monotonic() + patience
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _lock(descriptor, path, deadline)
            if _is_still(descriptor, path):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _lock(descriptor: int, path: Path, deadline: float | None) -> None:
    if deadline is None:
        return fcntl.flock(descriptor, fcntl.LOCK_EX)
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= deadline:
                raise LockHeld(f"{path} is held by another process") from error
        time.sleep(_TICK)


def _is_still(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False
