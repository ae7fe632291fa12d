"""Whether code of packages can be confined in containers, as the how-to tells."""

import io
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from conda_store_shared.testing.servers.docker_engine import DockerEngine

IMAGE = "without-anything:1"
# What our own containers are run with.
NARROW = ("--user", "10001:10001", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--read-only")
PODMANS_PROFILE = Path("/usr/share/containers/seccomp.json")
PROGRAM = """
from conda_store_shared.conda.sandbox.confinement import check_sandbox
from conda_store_shared.errors import ConfigurationError
print(check_sandbox("auto"))
try:
    print(check_sandbox("required"))
except ConfigurationError as error:
    print(error)
"""


@pytest.fixture(scope="module")
def machine(engine: DockerEngine) -> DockerEngine:
    """An engine with an image of empty directories, to be filled by mounts."""
    path = engine.directory / "without-anything.tar"
    with tarfile.open(path, "w") as tar:
        for name in ("proc", "sys", "dev", "tmp", "etc"):
            member = tarfile.TarInfo(name)
            member.type, member.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            tar.addfile(member, io.BytesIO())
    engine.docker("import", path, IMAGE)
    return engine


def checked(machine: DockerEngine, options: Sequence[str] = ()) -> list[str]:
    """What modes auto and required say in a container with this machine's programs and our packages."""
    ours = Path(__file__).resolve().parents[2]
    seen = ["/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc/ld.so.cache", sys.base_prefix, sys.prefix, str(ours)]
    mounts = [option for path in seen if Path(path).exists() for option in ("--volume", f"{path}:{path}:ro")]
    printed = machine.run_image(
        IMAGE, sys.executable, "-c", PROGRAM, options=[*NARROW, "--tmpfs", "/tmp", *mounts, *options]
    )
    return printed.splitlines()


def test_container_of_a_docker_engine_is_told_what_it_needs_to_confine_code(machine: DockerEngine) -> None:
    auto, required = checked(machine)
    assert auto == "the sandbox could not be set up: unshare: Operation not permitted"
    assert required.startswith('CondaStoreWorker.sandbox = "required": code of packages cannot be confined here: ')
    assert "in a container, by a seccomp profile that allows unshare, mount, umount2, pivot_root" in required
    assert "docs/how-to/confine-packages.md" in required


def test_container_confines_code_when_its_seccomp_profile_is_podmans(machine: DockerEngine) -> None:
    assert checked(machine, ["--security-opt", f"seccomp={PODMANS_PROFILE}"]) == ["None", "None"]
