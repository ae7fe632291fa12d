"""Confines one command and runs it; started by ``confinement``, never by hand.

The first argument is the plan: a descriptor, or the path of a file; what follows goes to the command.  Leaves with the
command's status, 128 + n when signal n ended it.  Whatever kept the command from being started is written to the
descriptor ``failures``.
"""

import json
import os
import re
import resource
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from conda_store_shared.conda.sandbox import system_calls as kernel
from conda_store_shared.conda.sandbox.mounts import enter_root

NOT_STARTED = 125
_STANDARD_ERROR = 2


def main() -> NoReturn:
    """Run the plan."""
    place, *words = sys.argv[1:]
    with open(int(place) if place.isdigit() else place, "rb") as file:
        plan: dict[str, Any] = json.load(file)
    if words:
        plan = _with_words(plan, words)
    if plan["failures"] > _STANDARD_ERROR:
        os.set_inheritable(plan["failures"], False)
    try:
        status = _confine(plan)
    except OSError as error:
        _leave(plan, _words_of(error))
    os._exit(status)


def _with_words(plan: Mapping[str, Any], words: Sequence[str]) -> dict[str, Any]:
    """uv names a directory of its own when it asks an interpreter; below ``asked_from`` such ones may be read."""
    found = re.findall(rf"{re.escape(plan['asked_from'])}/\.tmp\w+", " ".join(words))
    readable = [*plan["readable"], *((path, path) for path in found)]
    return {**plan, "command": [*plan["command"], *words], "readable": readable}


def _confine(plan: Mapping[str, Any]) -> int:
    kernel.die_with_parent()
    uid, gid = os.geteuid(), os.getegid()
    mapped = {"uid_map": _identities(uid, plan["uid"]), "gid_map": _identities(gid, plan["gid"])}
    _leave_namespaces(mapped, privileged=uid == 0)
    first = os.fork()
    if first == 0:
        _as_first_process(plan)
    return _status(os.waitpid(first, 0)[1])


def _identities(own: int, other: int) -> str:
    return "".join(f"{each} {each} 1\n" for each in sorted({own, other}))


def _leave_namespaces(mapped: Mapping[str, str], *, privileged: bool) -> None:
    """Raises OSError.  Identities other than one's own are given from outside of the new namespace."""
    if not privileged:
        kernel.unshare()
        _write("/proc/self/setgroups", "deny")
        for name, text in mapped.items():
            _write(f"/proc/self/{name}", text)
        return
    ready, done = os.pipe(), os.pipe()
    pid = os.getpid()
    helper = os.fork()
    if helper == 0:
        os.close(ready[1])
        _map_from_outside(pid, ready[0], mapped, done[1])
    os.close(done[1])
    try:
        kernel.unshare()
    finally:
        os.close(ready[1])
    word = os.read(done[0], 4096)
    os.waitpid(helper, 0)
    if word != b"done":
        raise OSError(0, word.decode() or "the identities were not mapped")


def _map_from_outside(pid: int, ready: int, mapped: Mapping[str, str], done: int) -> NoReturn:
    os.read(ready, 1)
    try:
        for name, text in mapped.items():
            _write(f"/proc/{pid}/{name}", text)
    except OSError as error:
        os.write(done, f"{error.filename}: {error.strerror}".encode())
        os._exit(1)
    os.write(done, b"done")
    os._exit(0)


def _as_first_process(plan: Mapping[str, Any]) -> NoReturn:
    """Whatever else there is of this namespace is killed when this process ends."""
    try:
        kernel.die_with_parent()
        enter_root(plan)
        kernel.be_undumpable()
        command = os.fork()
        if command == 0:
            _become(plan)
        kernel.drop_capabilities()
        kernel.gain_nothing()
        kernel.die_with_parent()
        os._exit(_await(command))
    except OSError as error:
        _leave(plan, _words_of(error))


def _await(command: int) -> int:
    """The orphans of the namespace come to its first process and are reaped here."""
    while True:
        pid, status = os.wait()
        if pid == command:
            return _status(status)


def _become(plan: Mapping[str, Any]) -> NoReturn:
    os.setsid()
    for name, limit in plan["limits"].items():
        kind = getattr(resource, name)
        _, hard = resource.getrlimit(kind)
        limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (limit, limit))
    kernel.drop_bounding_capabilities()
    if os.geteuid() != plan["uid"]:
        os.setgroups([])
        os.setresgid(plan["gid"], plan["gid"], plan["gid"])
        os.setresuid(plan["uid"], plan["uid"], plan["uid"])
    kernel.drop_capabilities()
    kernel.gain_nothing()
    os.umask(0o022)
    os.chdir(plan["directory"])
    os.execve(plan["command"][0], plan["command"], plan["environment"])  # noqa: S606 - the caller's command


def _status(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _write(path: str, text: str) -> None:
    # One write: a map is taken whole.
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from error
    finally:
        os.close(descriptor)


def _words_of(error: OSError) -> str:
    return ": ".join(str(part) for part in (error.filename, error.strerror) if part)


def _leave(plan: Mapping[str, Any], word: str) -> NoReturn:
    os.write(plan["failures"], word.encode())
    os._exit(NOT_STARTED)


if __name__ == "__main__":
    main()
