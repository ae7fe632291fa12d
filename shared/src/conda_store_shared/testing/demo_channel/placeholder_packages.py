"""Small packages with one peculiarity each: placeholders, link scripts, versions, platforms."""

from conda_store_shared.testing.demo_channel.conda_archive import PLACEHOLDER, CondaPackage, FileMode, PackagedFile

BUILD = "0"
LICENSE = "BSD-3-Clause"
ALL_SUBDIRS = {
    "linux-64": "__glibc >=2.17",
    "linux-aarch64": "__glibc >=2.17",
    "osx-64": "__osx >=10.13",
    "osx-arm64": "__osx >=11.0",
    "win-64": "__win",
}
BINARY_HEADER, BINARY_FOOTER = b"\x00\x01DEMO\x00", b"/lib\x00END\x00"
POST_LINK = """\
#!/bin/sh
set -eu
printf '%s\\n' "$PREFIX" > "$PREFIX/link-script-ran"
"""
PRE_UNLINK = """\
#!/bin/sh
rm -f "$PREFIX/link-script-ran"
"""
FAILING_POST_LINK = """\
#!/bin/sh
echo "demo-link-script-failing: this script always fails" >&2
exit 3
"""


def make_placeholder_packages(subdir: str) -> list[CondaPackage]:
    """All the small packages; those with binaries or link scripts are for ``subdir``."""
    return [
        _prefix_package(subdir),
        _link_script_package(subdir),
        _failing_link_script_package(subdir),
        _text_package(),
        *(_platform_package(target, requirement) for target, requirement in ALL_SUBDIRS.items()),
        *(_versioned_package(version) for version in ("1.0", "1.1", "2.0")),
        _demanding_package(),
    ]


def _prefix_package(subdir: str) -> CondaPackage:
    """Text and binary placeholders, activation, environment variables."""
    text = f"root = {PLACEHOLDER}/share/demo-prefix\nagain = {PLACEHOLDER}\n"
    command = f'#!/bin/sh\nexec cat "{PLACEHOLDER}/share/demo-prefix/text.conf"\n'
    binary = BINARY_HEADER + PLACEHOLDER.encode() + BINARY_FOOTER
    activate = f'export DEMO_PREFIX="{PLACEHOLDER}"\n'
    files = (
        PackagedFile(path="bin/demo-prefix", source=command.encode(), executable=True, file_mode=FileMode.TEXT),
        PackagedFile(path="share/demo-prefix/text.conf", source=text.encode(), file_mode=FileMode.TEXT),
        PackagedFile(path="share/demo-prefix/binary.dat", source=binary, file_mode=FileMode.BINARY),
        PackagedFile(path="share/demo-prefix/link.conf", link_target="text.conf"),
        PackagedFile(path="share/demo-prefix/empty"),
        PackagedFile(path="etc/conda/activate.d/demo-prefix.sh", source=activate.encode(), file_mode=FileMode.TEXT),
        PackagedFile(path="etc/conda/deactivate.d/demo-prefix.sh", source=b"unset DEMO_PREFIX\n"),
        PackagedFile(path="etc/conda/env_vars.d/demo-prefix.json", source=b'{"DEMO_PREFIX_VARIABLE": "set"}\n'),
    )
    return CondaPackage(
        name="demo-prefix", version="1.0", build=BUILD, subdir=subdir, license=LICENSE, files=files,
        summary="Files that mention the prefix, as text and in a binary",
    )  # fmt: skip


def _link_script_package(subdir: str) -> CondaPackage:
    return CondaPackage(
        name="demo-link-script", version="1.0", build=BUILD, subdir=subdir, license=LICENSE,
        summary="Writes link-script-ran below the prefix when it is linked",
        files=(
            PackagedFile(path="bin/.demo-link-script-post-link.sh", source=POST_LINK.encode(), executable=True),
            PackagedFile(path="bin/.demo-link-script-pre-unlink.sh", source=PRE_UNLINK.encode(), executable=True),
            PackagedFile(path="share/demo-link-script/README.txt", source=b"Linked with a script.\n"),
        ),
    )  # fmt: skip


def _failing_link_script_package(subdir: str) -> CondaPackage:
    script = PackagedFile(
        path="bin/.demo-link-script-failing-post-link.sh", source=FAILING_POST_LINK.encode(), executable=True
    )
    return CondaPackage(
        name="demo-link-script-failing", version="1.0", build=BUILD, subdir=subdir, license=LICENSE,
        summary="Its link script always fails with status 3", files=(script,),
    )  # fmt: skip


def _text_package() -> CondaPackage:
    readme = PackagedFile(path="share/demo-text/README.txt", source=b"A package for every platform.\n")
    return CondaPackage(
        name="demo-text", version="1.0", build=BUILD, subdir="noarch", noarch="generic", license=LICENSE,
        summary="One text file", files=(readme,),
    )  # fmt: skip


def _platform_package(subdir: str, requirement: str) -> CondaPackage:
    """The same name on every platform, so that several can be solved for at once."""
    name = PackagedFile(path="share/demo-platform/subdir.txt", source=f"{subdir}\n".encode())
    return CondaPackage(
        name="demo-platform", version="1.0", build=BUILD, subdir=subdir, license=LICENSE,
        depends=(requirement, "demo-text"), summary=f"Says {subdir}", files=(name,),
    )  # fmt: skip


def _versioned_package(version: str) -> CondaPackage:
    text = PackagedFile(path="share/demo-versions/version.txt", source=f"{version}\n".encode())
    return CondaPackage(
        name="demo-versions", version=version, build=BUILD, subdir="noarch", noarch="generic", license=LICENSE,
        summary="There are several versions of it", files=(text,),
    )  # fmt: skip


def _demanding_package() -> CondaPackage:
    """Together with ``demo-versions >=2`` it has no solution."""
    return CondaPackage(
        name="demo-needs-old", version="1.0", build=BUILD, subdir="noarch", noarch="generic", license=LICENSE,
        depends=("demo-versions <2",), summary="Wants an old version of demo-versions",
    )  # fmt: skip
