"""Wheels become packages: dependencies with their markers, files in their places, commands."""

from dataclasses import replace
from pathlib import Path

import pytest

from conda_store_shared.testing.demo_channel.conda_archive import PLACEHOLDER, CondaPackage, FileMode
from conda_store_shared.testing.demo_channel.interpreter import Interpreter
from conda_store_shared.testing.demo_channel.wheel_package import (
    conda_dependency,
    conda_name,
    make_wheel_package,
    marker_environment,
    unpacked_wheels,
)

METADATA = """\
Metadata-Version: 2.4
Name: Demo_Wheel
Version: 2.1
Summary: Shows what a wheel holds
License-Expression: MIT
Requires-Python: >=3.9, !=3.10.*
Requires-Dist: Jupyter_Client>=8,<9
Requires-Dist: colorama; sys_platform == "win32"
Requires-Dist: tomli>=2; python_version < "3.11"
Requires-Dist: pytest; extra == "test"
"""
ENTRY_POINTS = "[console_scripts]\ndemo = demo:main\n\n[gui_scripts]\nother = demo:other\n"
RECORD = """\
demo.py,sha256=abc,7
"demo,comma.txt",sha256=def,0
bin/demo,sha256=ghi,10
bin/demo3.11,sha256=ghi,10
bin/demo-tool,sha256=jkl,10
share/demo/readme,sha256=mno,0
demo_wheel-2.1.dist-info/METADATA,sha256=pqr,10
demo_wheel-2.1.dist-info/INSTALLER,sha256=stu,2
demo_wheel-2.1.dist-info/RECORD,,
__pycache__/demo.cpython-311.pyc,,
"""
AN_INTERPRETER = Interpreter(
    version="3.11.7",
    build="3.11.7 (main)",
    executable=Path("/opt/python/bin/python3.11"),
    prefix=Path("/opt/python"),
    stdlib=Path("/opt/python/lib/python3.11"),
    subdir="linux-64",
    extensions=(),
    libraries=(),
    runtime_libraries=(),
    uses_dist_packages=False,
)


def an_unpacked_wheel(root: Path, *, pure: bool) -> Path:
    info = root / "demo_wheel-2.1.dist-info"
    for directory in (info, root / "bin", root / "share" / "demo"):
        directory.mkdir(parents=True)
    (info / "METADATA").write_text(METADATA)
    (info / "WHEEL").write_text(f"Wheel-Version: 1.0\nRoot-Is-Purelib: {str(pure).lower()}\n")
    (info / "RECORD").write_text(RECORD)
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    (root / "bin" / "demo-tool").write_text("#!/tmp/where/unpacked/python\nimport demo\n")
    return root


def a_package(root: Path, *, pure: bool) -> CondaPackage:
    (wheel,) = unpacked_wheels(an_unpacked_wheel(root, pure=pure))
    return make_wheel_package(wheel, AN_INTERPRETER, "abc1234")


@pytest.mark.parametrize(
    ("requirement", "dependency"),
    [
        ("numpy>=1.26", "numpy >=1.26"),
        ("Typing.Extensions", "typing_extensions"),
        ("jedi (>=0.16,!=0.18.0)", "jedi !=0.18.0,>=0.16"),
        ("httpx[http2]~=0.28.0", "httpx ~=0.28.0"),
        ('exceptiongroup; python_version < "3.11"', None),
        ('psutil; sys_platform != "cygwin"', "psutil"),
        ('uvloop; platform_python_implementation == "PyPy"', None),
        ('h2; extra == "http2"', None),
    ],
)
def test_requirement_becomes_a_dependency_when_its_marker_holds(requirement: str, dependency: str | None) -> None:
    assert conda_dependency(requirement, marker_environment(AN_INTERPRETER)) == dependency


def test_markers_are_evaluated_for_the_packaged_interpreter() -> None:
    older = replace(AN_INTERPRETER, version="3.10.2")
    assert conda_dependency('tomli; python_version < "3.11"', marker_environment(older)) == "tomli"


def test_distributions_get_the_names_that_conda_knows() -> None:
    assert [conda_name(name) for name in ("Flask", "jupyter_client", "tzdata")] == [
        "flask", "jupyter_client", "python-tzdata",
    ]  # fmt: skip


def test_pure_wheel_becomes_a_noarch_package(tmp_path: Path) -> None:
    package = a_package(tmp_path, pure=True)
    assert (package.name, package.version, package.build, package.subdir) == (
        "demo-wheel",
        "2.1",
        "pyhabc1234_0",
        "noarch",
    )
    assert package.depends == ("jupyter_client <9,>=8", "python >=3.9,!=3.10.*")
    assert package.entry_points == ("demo = demo:main",)
    assert package.purls == ("pkg:pypi/demo-wheel@2.1",)
    assert {file.path for file in package.files} == {
        "site-packages/demo.py",
        "site-packages/demo,comma.txt",
        "site-packages/demo_wheel-2.1.dist-info/METADATA",
        "site-packages/demo_wheel-2.1.dist-info/INSTALLER",
        "site-packages/demo_wheel-2.1.dist-info/RECORD",
        "python-scripts/demo-tool",
        "share/demo/readme",
    }


def test_binary_wheel_becomes_a_package_for_one_python(tmp_path: Path) -> None:
    package = a_package(tmp_path, pure=False)
    assert (package.subdir, package.build, package.noarch) == ("linux-64", "py311habc1234_0", None)
    assert {"python 3.11.*", "libstdcxx", "__glibc >=2.17,<3.0.a0"} < set(package.depends)
    files = {file.path: file for file in package.files}
    assert "lib/python3.11/site-packages/demo.py" in files
    command = files["bin/demo"]
    assert command.executable
    assert command.file_mode is FileMode.TEXT
    assert command.read().decode().startswith(f"#!{PLACEHOLDER}/bin/python\n")
    assert "from demo import main" in command.read().decode()


def test_script_of_a_wheel_names_the_prefix_it_is_linked_into(tmp_path: Path) -> None:
    files = {file.path: file for file in a_package(tmp_path, pure=False).files}
    assert files["bin/demo-tool"].read().decode() == f"#!{PLACEHOLDER}/bin/python\nimport demo\n"
    assert files["bin/demo-tool"].file_mode is FileMode.TEXT


def test_record_lists_modules_and_commands_without_what_differs_between_machines(tmp_path: Path) -> None:
    files = {file.path: file for file in a_package(tmp_path, pure=True).files}
    record = files["site-packages/demo_wheel-2.1.dist-info/RECORD"].read().decode().splitlines()
    assert record == [
        "../../../bin/demo,,",
        '"demo,comma.txt",sha256=def,0',
        "demo.py,sha256=abc,7",
        "demo_wheel-2.1.dist-info/INSTALLER,,",
        "demo_wheel-2.1.dist-info/METADATA,sha256=pqr,10",
        "demo_wheel-2.1.dist-info/RECORD,,",
    ]
