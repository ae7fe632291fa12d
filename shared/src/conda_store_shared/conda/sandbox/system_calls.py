"""The calls of the kernel that Python has no function for; each raises OSError that names the call."""

import ctypes
import os
import sys

NEW_NAMESPACES = 0x00020000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_SLAVE = 0x2, 0x4, 0x8, 0x1000, 0x4000, 0x80000
READ_ONLY, NO_SETUID, NO_DEVICES = 0x1, 0x2, 0x4
_MNT_DETACH = 0x2
_SYS_MOUNT_SETATTR = 442
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 1, 4, 24, 38
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
_CAPABILITY_VERSION = 0x20080522
_MOST_CAPABILITIES = 64
_SIGKILL = 9

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class _MountAttributes(ctypes.Structure):
    _fields_ = (("set", ctypes.c_uint64), ("clear", ctypes.c_uint64), ("propagation", ctypes.c_uint64),
                ("user_namespace", ctypes.c_uint64))  # fmt: skip


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc, name)(*arguments) < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def unshare() -> None:
    """Leave every namespace that matters; children are born into the new process namespace."""
    _call("unshare", NEW_NAMESPACES)


def mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    """As mount(2)."""
    try:
        _call("mount", *(os.fsencode(text) for text in (source, target, kind)), ctypes.c_ulong(flags),
              os.fsencode(options))  # fmt: skip
    except OSError as error:
        raise OSError(error.errno, f"{error.strerror} ({kind or source} at {target})") from error


def restrict_mount(target: str, attributes: int, *, recursive: bool = True) -> None:
    """Add attributes to a mount, and to all below it; needs Linux 5.12."""
    value = _MountAttributes(attributes, 0, 0, 0)
    flags = _AT_RECURSIVE if recursive else 0
    _call("syscall", ctypes.c_long(_SYS_MOUNT_SETATTR), ctypes.c_int(_AT_FDCWD), os.fsencode(target),
          ctypes.c_uint(flags), ctypes.byref(value), ctypes.c_size_t(ctypes.sizeof(value)))  # fmt: skip


def change_root(directory: str, old: str) -> None:
    """Make the working tree of ``directory`` the root; what was the root is at ``old`` afterwards."""
    _call("pivot_root", os.fsencode(directory), os.fsencode(old))


def detach(target: str) -> None:
    """Take a mount, and all below it, out of sight for good."""
    _call("umount2", os.fsencode(target), ctypes.c_int(_MNT_DETACH))


def die_with_parent() -> None:
    """Be killed when the parent ends; to be asked for again after a change of user."""
    _prctl(_PR_SET_PDEATHSIG, _SIGKILL)


def be_undumpable() -> None:
    """Keep memory, environment and descriptors from others of the same user."""
    _prctl(_PR_SET_DUMPABLE, 0)


def gain_nothing() -> None:
    """Neither this process nor what it becomes will ever have more rights than it has now."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def drop_bounding_capabilities() -> None:
    """No program that is started from here on has capabilities, whoever owns it."""
    for capability in range(_MOST_CAPABILITIES):
        try:
            _prctl(_PR_CAPBSET_DROP, capability)
        except OSError:
            break
    _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)


def drop_capabilities() -> None:
    """Have no capabilities any more."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    _call("capset", header, (ctypes.c_uint32 * 6)())


def _prctl(option: int, value: int) -> None:
    _call("prctl", ctypes.c_int(option), *(ctypes.c_ulong(each) for each in (value, 0, 0, 0)))
