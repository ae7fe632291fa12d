"""Run by the interpreter to be packaged: says as JSON where its parts are and which host libraries it loads.

Standard library only, and no import of this project: it runs under a foreign interpreter in isolated mode.
"""

import contextlib
import ctypes
import json
import os
import site
import sys
from pathlib import Path

# Modules nobody needs in an environment; the first two would pull in Kerberos and X11.
UNWANTED_EXTENSIONS = ("nis.", "_tkinter.", "_test", "_xxtest", "_xxsub", "_xxinterp", "xxlimited", "xxsubtype",
                       "_ctypes_test.", "ossaudiodev.")  # fmt: skip
# What every Linux machine with the GNU C library has; it must match the kernel's loader, so it is never packaged.
C_LIBRARY = ("libc.so", "libm.so", "libdl.so", "libpthread.so", "librt.so", "libutil.so", "libresolv.so", "ld-linux",
             "libnss_", "libanl.so", "libmvec.so", "libBrokenLocale.so", "libthread_db.so")  # fmt: skip
RUNTIME_LIBRARIES = ("libstdc++.so.6", "libgcc_s.so.1")


def extension_modules() -> list[str]:
    """Paths of the extension modules worth packaging."""
    return sorted(
        str(module)
        for directory in sys.path
        if directory.endswith("lib-dynload")
        for module in Path(directory).glob("*.so")
        if not module.name.startswith(UNWANTED_EXTENSIONS)
    )


def loaded_libraries() -> set[str]:
    """Shared libraries mapped into this process, apart from the C library and extension modules."""
    mapped = {line.rstrip("\n").partition("/")[2] for line in Path("/proc/self/maps").read_text().splitlines()}
    names = {f"/{path}" for path in mapped if ".so" in path and "lib-dynload" not in path}
    return {name for name in names if not os.path.basename(name).startswith(C_LIBRARY)}


def load(names: list[str]) -> None:
    """Map libraries without running any module's initialiser; one that cannot be loaded is left out."""
    for name in names:
        with contextlib.suppress(OSError):
            ctypes.CDLL(name)


def describe() -> dict[str, object]:
    """Everything the packager needs to know about this interpreter."""
    load(extension_modules())
    libraries = loaded_libraries()
    load(list(RUNTIME_LIBRARIES))
    return {
        "implementation": sys.implementation.name,
        "version": ".".join(str(part) for part in sys.version_info[:3]),
        "build": sys.version,
        "executable": os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable),
        "prefix": sys.base_prefix,
        "stdlib": os.path.dirname(os.path.realpath(os.__file__)),
        "machine": os.uname().machine,
        "extensions": extension_modules(),
        "libraries": sorted(libraries),
        "runtime_libraries": sorted(loaded_libraries() - libraries),
        "uses_dist_packages": any(path.endswith("dist-packages") for path in site.getsitepackages()),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(describe()))
