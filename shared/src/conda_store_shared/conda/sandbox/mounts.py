"""What confined code sees: the system's programs, the prefix, devices that hold nothing, and its own processes."""

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from conda_store_shared.conda.sandbox import system_calls as kernel

_OLD = "/.old"
_PLACE = "/tmp"  # noqa: S108 - any directory does: nothing is written to it
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_SETTINGS = ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/localtime",
             "/etc/mime.types", "/etc/ld-musl-x86_64.path", "/etc/ld-musl-aarch64.path")  # fmt: skip
# Local settings are the administrator's, and may hold anything.
_HIDDEN = ("/usr/local/etc", "/usr/etc")
_DEVICES = ("null", "zero", "full", "random", "urandom")
_LINKS = {"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"}
_WRITABLE = kernel.NO_SETUID | kernel.NO_DEVICES
_READABLE = kernel.READ_ONLY | _WRITABLE
_PLAIN = kernel.MS_NOSUID | kernel.MS_NODEV


def enter_root(plan: Mapping[str, Any]) -> None:
    """Make and enter it; raises OSError.  What is in the plan as pairs is (where it is, where it is seen)."""
    kernel.mount("", "/", "", kernel.MS_REC | kernel.MS_SLAVE)
    kernel.mount("tmpfs", _PLACE, "tmpfs", _PLAIN, "mode=0755,size=16m")
    os.mkdir(_PLACE + _OLD)
    os.chdir(_PLACE)
    kernel.change_root(".", f".{_OLD}")
    os.chdir("/")
    _show_system()
    _cover((*_HIDDEN, *plan["hidden"]))
    # The prefix may lie below the home, so this comes first.
    for source, target in ((plan["scratch"], plan["home"]), *plan["writable"]):
        _bind(source, target, _WRITABLE)
    for source, target in plan["readable"]:
        _bind(source, target, _READABLE)
    _cover(plan["covered"])
    _show_devices()
    _write_users(f"sandbox:x:{plan['uid']}:{plan['gid']}::{plan['home']}:/bin/sh")
    with suppress(OSError):
        # No further namespaces of users: much of the kernel is reached through them alone.
        _write(f"{_OLD}/proc/sys/user/max_user_namespaces", "0")
    os.makedirs("/proc", exist_ok=True)
    with suppress(OSError):
        # A container that hides parts of /proc forbids a whole one; then there is none.
        kernel.mount("proc", "/proc", "proc", _PLAIN | kernel.MS_NOEXEC)
        # Settings of the kernel belong to root, who may be the one inside.
        kernel.restrict_mount("/proc", kernel.READ_ONLY)
    kernel.detach(_OLD)
    os.rmdir(_OLD)
    kernel.restrict_mount("/", kernel.READ_ONLY, recursive=False)


def _cover(paths: Iterable[str]) -> None:
    for path in paths:
        if os.path.isdir(path):
            kernel.mount("tmpfs", path, "tmpfs", _PLAIN, "mode=0755,size=64k")


def _show_system() -> None:
    for path in (*_SYSTEM, *_SETTINGS):
        old = _OLD + path
        if os.path.islink(old) and path in _SYSTEM:
            os.symlink(os.readlink(old), path)
        elif os.path.lexists(old):
            with suppress(FileNotFoundError):
                _bind(_resolve(path), path, _READABLE)


def _resolve(path: str) -> str:
    """Where a path of the old root leads, whose absolute links would lead into the new one."""
    while os.path.islink(_OLD + path):
        path = os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(_OLD + path)))
    return path


def _bind(source: str, target: str, attributes: int) -> None:
    source = _OLD + source
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        _write(target, "")
    kernel.mount(source, target, "", kernel.MS_BIND | kernel.MS_REC)
    if attributes:
        kernel.restrict_mount(target, attributes)


def _show_devices() -> None:
    os.makedirs("/dev/shm")  # noqa: S108 - the one of the sandbox
    kernel.mount("tmpfs", "/dev/shm", "tmpfs", _PLAIN, "mode=1777,size=64m")  # noqa: S108
    for name in _DEVICES:
        _bind(f"/dev/{name}", f"/dev/{name}", 0)
    for name, target in _LINKS.items():
        os.symlink(target, f"/dev/{name}")


def _write_users(user: str) -> None:
    os.makedirs("/etc", exist_ok=True)
    _, _, uid, gid, *_ = user.split(":")
    root = "" if uid == "0" else "root:x:0:0::/:/bin/sh\n"
    _write("/etc/passwd", f"{root}{user}\n")
    _write("/etc/group", f"sandbox:x:{gid}:\n")
    _write("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n")
    _write("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n")


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)
