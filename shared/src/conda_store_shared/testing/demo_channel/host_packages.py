"""What wheels and the interpreter take for granted on a machine: the C++ runtime and trusted certificates."""

from pathlib import Path

from conda_store_shared.testing.demo_channel.conda_archive import PLACEHOLDER, CondaPackage, FileMode, PackagedFile
from conda_store_shared.testing.demo_channel.elf import shared_object_name
from conda_store_shared.testing.demo_channel.interpreter import DemoChannelFailed, Interpreter

# Low enough for the virtual packages assumed of other machines; the true need is this machine's C library.
GLIBC = "__glibc >=2.17,<3.0.a0"
RUNTIME_PREFIXES = ("libstdc++.so", "libgcc_s.so")
CERTIFICATES = "ssl/cacert.pem"
ACTIVATION = f"""\
if [ -z "${{SSL_CERT_FILE:-}}" ]; then
    export SSL_CERT_FILE="{PLACEHOLDER}/{CERTIFICATES}"
    export CONDA_STORE_DEMO_SET_SSL_CERT_FILE=1
fi
"""
DEACTIVATION = """\
if [ -n "${CONDA_STORE_DEMO_SET_SSL_CERT_FILE:-}" ]; then
    unset SSL_CERT_FILE CONDA_STORE_DEMO_SET_SSL_CERT_FILE
fi
"""


def is_runtime_library(library: Path) -> bool:
    """Whether this belongs to the C++ runtime, which is a package of its own."""
    return library.name.startswith(RUNTIME_PREFIXES)


def make_libstdcxx_package(interpreter: Interpreter, build: str) -> CondaPackage:
    """The C++ runtime of the host, which manylinux wheels presuppose.

    Raises DemoChannelFailed when the host has none.
    """
    libraries = [
        library for library in (*interpreter.libraries, *interpreter.runtime_libraries) if is_runtime_library(library)
    ]
    newest = next((library.name for library in libraries if library.name.startswith("libstdc++.so.")), None)
    if newest is None:
        raise DemoChannelFailed("libstdc++.so.6 is not on this machine; install libstdc++6")
    files = []
    for library in libraries:
        image = library.read_bytes()
        files.append(
            PackagedFile(path=f"lib/{shared_object_name(image) or library.name}", source=image, executable=True)
        )
    return CondaPackage(
        name="libstdcxx",
        version=newest.removeprefix("libstdc++.so."),
        build=build,
        subdir=interpreter.subdir,
        depends=(GLIBC,),
        license="GPL-3.0-only WITH GCC-exception-3.1",
        summary="The C++ runtime of this machine",
        files=tuple(files),
    )


def make_ca_certificates_package(certificates: Path, version: str, build: str) -> CondaPackage:
    """Trusted certificates, named to OpenSSL when the prefix is activated: its built-in path is the host's."""
    activate, deactivate = (f"etc/conda/{step}.d/ca-certificates.sh" for step in ("activate", "deactivate"))
    return CondaPackage(
        name="ca-certificates",
        version=version,
        build=build,
        subdir="noarch",
        noarch="generic",
        license="MPL-2.0",
        summary="Mozilla's certificate authorities",
        files=(
            PackagedFile(path=CERTIFICATES, source=certificates),
            PackagedFile(path=activate, source=ACTIVATION.encode(), file_mode=FileMode.TEXT),
            PackagedFile(path=deactivate, source=DEACTIVATION.encode()),
        ),
    )
