"""Modules are compiled so that they count whatever the time of their sources is."""

import importlib.util
import os
import py_compile
import subprocess
import sys
from pathlib import Path

import pytest

from conda_store_artifacts.adapters.compiled_modules import compile_modules, compiled_path

pytestmark = pytest.mark.slow

OURS = f"{sys.version_info[0]}.{sys.version_info[1]}"
TAG = f"cpython-{OURS.replace('.', '')}"


def a_module(prefix: Path, text: str = "ANSWER = 42\n", python: str = OURS) -> tuple[Path, Path]:
    """A source, and where its compiled module belongs."""
    source = prefix / "lib" / f"python{python}" / "site-packages" / "cheese.py"
    source.parent.mkdir(parents=True)
    source.write_text(text)
    return source, source.parent / "__pycache__" / f"cheese.cpython-{python.replace('.', '')}.pyc"


def test_module_is_compiled_and_counts_when_its_source_has_another_time(tmp_path: Path) -> None:
    source, compiled = a_module(tmp_path)
    compile_modules(tmp_path, "/opt/conda", OURS)
    os.utime(source, (0, 0))
    source.write_text("ANSWER = 0\n")  # What is compiled is not checked.
    done = subprocess.run(
        [sys.executable, "-c", "import cheese; print(cheese.ANSWER)"],
        env={"PYTHONPATH": str(source.parent)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "42\n"
    assert compiled.read_bytes()[4:8] == b"\x01\x00\x00\x00"


def test_module_that_is_compiled_already_is_taken_over_without_touching_its_file(tmp_path: Path) -> None:
    source, compiled = a_module(tmp_path)
    py_compile.compile(str(source), str(compiled), invalidation_mode=py_compile.PycInvalidationMode.TIMESTAMP)
    packaged = compiled.read_bytes()
    kept = tmp_path / "cache.pyc"
    os.link(compiled, kept)
    compile_modules(tmp_path, "/opt/conda", OURS)
    assert compiled.read_bytes()[16:] == packaged[16:]
    assert compiled.read_bytes()[8:16] == importlib.util.source_hash(source.read_bytes())
    assert kept.read_bytes() == packaged


def test_module_compiled_for_another_source_is_compiled_anew(tmp_path: Path) -> None:
    source, compiled = a_module(tmp_path)
    py_compile.compile(str(source), str(compiled))
    source.write_text("ANSWER = 'another'\n")
    compile_modules(tmp_path, "/opt/conda", OURS)
    assert b"another" in compiled.read_bytes()
    assert str(tmp_path).encode() not in compiled.read_bytes()


def test_module_is_the_same_each_time(tmp_path: Path) -> None:
    compiled = [a_module(tmp_path / name, "def f(x: int = 3):\n    return {'a': x, 'b': (1, 2)}\n")[1] for name in "ab"]
    for name in "ab":
        compile_modules(tmp_path / name, "/opt/conda", OURS)
    assert compiled[0].read_bytes() == compiled[1].read_bytes()


def test_many_modules_are_compiled_by_several_processes_to_the_same_bytes(tmp_path: Path) -> None:
    for place in ("one", "two"):
        source, _ = a_module(tmp_path / place)
        for number in range(250):
            (source.parent / f"m{number}.py").write_text(f"NUMBER = {number}\n")
    compile_modules(tmp_path / "one", "/opt/conda", OURS, 1)
    compile_modules(tmp_path / "two", "/opt/conda", OURS, 2)
    one, two = (
        {path.name: path.read_bytes() for path in (tmp_path / place).rglob("*.pyc")} for place in ("one", "two")
    )
    assert len(one) == 251
    assert one == two


def test_tests_are_not_compiled(tmp_path: Path) -> None:
    source, _ = a_module(tmp_path)
    (source.parent / "tests").mkdir()
    (source.parent / "tests" / "test_cheese.py").write_text("1\n")
    compile_modules(tmp_path, "/opt/conda", OURS)
    assert [path.name for path in tmp_path.rglob("*.pyc")] == [f"cheese.{TAG}.pyc"]


def test_what_is_no_module_is_left_alone(tmp_path: Path) -> None:
    _, compiled = a_module(tmp_path, "not python {{ at all }}")
    compile_modules(tmp_path, "/opt/conda", OURS)
    assert not compiled.exists()


def test_modules_of_another_python_are_left_as_they_are(tmp_path: Path) -> None:
    _, compiled = a_module(tmp_path, python="3.5")
    compile_modules(tmp_path, "/opt/conda", "3.5")
    assert not compiled.exists()


def test_compiled_module_is_beside_its_source() -> None:
    assert compiled_path("lib/a/b.py", "3.13t") == "lib/a/__pycache__/b.cpython-313t.pyc"
    assert compiled_path("lib/a/b.so", "3.13") is None
