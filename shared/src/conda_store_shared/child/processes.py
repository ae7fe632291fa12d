"""Processes as the kernel shows them: who descends from whom, what they hold in memory, how they are ended."""

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Iterable
from pathlib import Path

LINUX = sys.platform == "linux"

_PR_SET_CHILD_SUBREAPER = 36
_PAGE = os.sysconf("SC_PAGE_SIZE")
# Kernels built without CONFIG_PROC_CHILDREN lack this file; then every process is looked at.
_HAS_CHILDREN_FILE = Path(f"/proc/self/task/{os.getpid()}/children").exists()


def become_subreaper() -> None:
    """Let orphans among the descendants of this process fall to it, so that none escapes by forking twice."""
    if LINUX:
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children(pid: int) -> list[int]:
    """Direct children of ``pid``, the dead but unreaped included; none where there is no /proc."""
    if not LINUX:
        return []
    if not _HAS_CHILDREN_FILE:
        return [int(entry) for entry in os.listdir("/proc") if entry.isdigit() and _stat(int(entry))[1:2] == [str(pid)]]
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError):
                found += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())
    return found


def descendants(pid: int) -> list[int]:
    """Everything that ``pid`` started and that still lives."""
    found: list[int] = []
    waiting = [pid]
    while waiting:
        born = children(waiting.pop())
        waiting += born
        found += born
    return [one for one in found if is_alive(one)]


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that is dead but not yet reaped does not."""
    if LINUX:
        return _stat(pid)[:1] not in ([], ["Z"], ["X"])
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def birth(pid: int) -> str | None:
    """A mark that tells a process from a later one with the same id; None when it is gone or cannot be told."""
    fields = _stat(pid) if LINUX else []
    return fields[19] if len(fields) > 19 else None


def kill(pids: Iterable[int]) -> None:
    """SIGKILL each; those already gone are passed over."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def kill_group(pid: int) -> None:
    """SIGKILL the process and its group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    kill([pid])


def resident_bytes(pids: Iterable[int]) -> int:
    """Resident memory of the processes together; pages they share count once for each."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError, IndexError):
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    return total


def kernel_oom_kills() -> int:
    """How often the kernel killed for lack of memory: in our control group where it tells, else on this host."""
    for path in _oom_counters():
        with contextlib.suppress(OSError):
            for line in path.read_text().splitlines():
                name, _, count = line.partition(" ")
                if name == "oom_kill":
                    return int(count)
    return 0


def _oom_counters() -> list[Path]:
    paths: list[Path] = []
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, group = line.split(":", 2)
            if controllers == "memory":
                root = Path("/sys/fs/cgroup/memory")
                paths += [root / group.lstrip("/") / "memory.oom_control", root / "memory.oom_control"]
            elif not controllers:
                root = Path("/sys/fs/cgroup")
                paths += [root / group.lstrip("/") / "memory.events", root / "memory.events"]
    return [*paths, Path("/proc/vmstat")]


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the state on (state, parent, …); empty when there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return []
    # The name stands in brackets and may hold anything, brackets and spaces too.
    return text.rpartition(")")[2].split()
