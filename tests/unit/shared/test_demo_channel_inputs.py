"""What the demo channel is made from: the pinned wheels, the interpreter, and the key that stands for both."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from conda_store_shared.testing.demo_channel.channel import channel_key
from conda_store_shared.testing.demo_channel.conda_archive import PLACEHOLDER
from conda_store_shared.testing.demo_channel.interpreter import DemoChannelFailed, describe_interpreter
from conda_store_shared.testing.demo_channel.python_package import replace_prefix
from conda_store_shared.testing.demo_channel.wheels import PackageSet


def pinned(package_set: PackageSet) -> dict[str, tuple[Requirement, int]]:
    """Name to requirement and number of hashes."""
    lines = package_set.requirements.read_text().replace("\\\n", " ").splitlines()
    found = {}
    for line in lines:
        text, *hashes = line.split(" --hash=")
        requirement = Requirement(text.strip())
        found[requirement.name] = requirement, len(hashes)
    return found


@pytest.mark.parametrize("package_set", list(PackageSet))
def test_every_wheel_is_pinned_with_hashes(package_set: PackageSet) -> None:
    for requirement, hashes in pinned(package_set).values():
        assert str(requirement.specifier).startswith("==")
        assert hashes > 0


@pytest.mark.parametrize("package_set", list(PackageSet))
def test_pinned_list_names_no_registry(package_set: PackageSet) -> None:
    assert "://" not in package_set.requirements.read_text()


@pytest.mark.parametrize("package_set", list(PackageSet))
def test_pinned_list_holds_what_is_asked_for(package_set: PackageSet) -> None:
    wanted = package_set.requirements.with_suffix(".in").read_text().split()
    assert set(wanted) <= set(pinned(package_set))


def test_small_list_is_part_of_the_full_one() -> None:
    full = {str(requirement) for requirement, _ in pinned(PackageSet.FULL).values()}
    assert {str(requirement) for requirement, _ in pinned(PackageSet.SMALL).values()} <= full


def test_interpreter_is_the_base_one_when_asked_in_a_virtual_environment() -> None:
    interpreter = describe_interpreter(Path(sys.executable))
    assert interpreter.version == ".".join(str(part) for part in sys.version_info[:3])
    assert interpreter.prefix == Path(sys.base_prefix)
    assert interpreter.executable.is_file()
    assert not interpreter.executable.is_symlink()


def test_interpreter_knows_the_host_libraries_but_not_the_c_library() -> None:
    interpreter = describe_interpreter(Path(sys.executable))
    names = {path.name.partition(".so")[0] for path in (*interpreter.libraries, *interpreter.runtime_libraries)}
    assert "libstdc++" in names
    assert names.isdisjoint({"libc", "libm", "ld-linux-x86-64", "libtk8.6"})


@pytest.mark.parametrize("command", ["/nonexistent/python3", "/bin/false"])
def test_interpreter_is_refused_with_its_name_when_it_does_not_run(command: str) -> None:
    with pytest.raises(DemoChannelFailed, match=command):
        describe_interpreter(Path(command))


def test_key_changes_with_interpreter_and_package_set() -> None:
    interpreter = describe_interpreter(Path(sys.executable))
    keys = {
        channel_key(interpreter, PackageSet.FULL),
        channel_key(interpreter, PackageSet.SMALL),
        channel_key(replace(interpreter, build="another build"), PackageSet.FULL),
    }
    assert len(keys) == 3
    assert channel_key(describe_interpreter(Path(sys.executable)), PackageSet.FULL) in keys


def test_prefix_is_replaced_where_it_is_a_path_and_nowhere_else() -> None:
    text = "'/opt/py' '/opt/py/lib' -L/opt/py/lib -rpath,/opt/py/lib /opt/py3 /opt/py-old /x/opt/py"
    expected = "'P' 'P/lib' -LP/lib -rpath,P/lib /opt/py3 /opt/py-old /x/opt/py"
    assert replace_prefix(text, Path("/opt/py")) == expected.replace("P", PLACEHOLDER)


def test_prefix_of_the_system_keeps_its_tools_and_time_zones() -> None:
    text = "'/usr' '/usr/bin' '/usr/bin/install -c' '/usr/share/zoneinfo:/usr/lib/zoneinfo' /usr/local"
    expected = "'P' 'P/bin' '/usr/bin/install -c' '/usr/share/zoneinfo:/usr/lib/zoneinfo' P/local"
    assert replace_prefix(text, Path("/usr")) == expected.replace("P", PLACEHOLDER)
