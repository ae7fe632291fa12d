"""Locks that end with their holder."""

import threading
from pathlib import Path

import pytest

from conda_store_builder.adapters.directory_lock import LockHeld, locked


def test_lock_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    with locked(tmp_path / "lock", 0.0), pytest.raises(LockHeld, match="held by another"):
        locked(tmp_path / "lock", 0.0).__enter__()
    with locked(tmp_path / "lock", 0.0):
        pass


def test_lock_is_taken_anew_when_its_holder_removes_the_file(tmp_path: Path) -> None:
    path, inside, most = tmp_path / "lock", [0], [0]

    def work() -> None:
        for _ in range(20):
            with locked(path, 30.0):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                inside[0] -= 1
                # Last of all: from here on somebody else may hold the lock.
                path.unlink()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]
    assert not path.exists()
