"""Nothing is named like a drawer, and tests are named for what they state."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("shared", "services", "client", "deploy", "tests", "benchmarks", "scripts")
DRAWERS = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "managers", "stuff", "lib", "core"}
SUFFIXES = ("Manager", "Helper", "Utils", "Util")
TEST = re.compile(r"^\s*(?:async )?def (test_\w*)", re.MULTILINE)
TEST_WORDS = 3

SOURCES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))


def drawers_in_path(path: Path) -> set[str]:
    """The words of a path that name no concept."""
    return {word for part in path.with_suffix("").parts for word in part.split("_")} & DRAWERS


def drawer_classes(source: str) -> list[str]:
    """Classes that say neither what they are nor what they do."""
    if not any(suffix in source for suffix in SUFFIXES):
        return []
    classes = (node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef))
    return [name for name in classes if name.endswith(SUFFIXES)]


def nameless_tests(source: str) -> list[str]:
    """Tests whose name is no statement."""
    names = TEST.findall(source)
    return [name for name in names if len(name.removeprefix("test_").split("_")) < TEST_WORDS]


def test_no_module_is_named_like_a_drawer() -> None:
    found = {path: drawers_in_path(path.relative_to(ROOT)) for path in SOURCES}
    assert {path: words for path, words in found.items() if words} == {}


def test_no_class_is_named_like_a_drawer() -> None:
    found = {path: drawer_classes(path.read_text()) for path in SOURCES}
    assert {path: names for path, names in found.items() if names} == {}


def test_every_test_states_something() -> None:
    found = {path: nameless_tests(path.read_text()) for path in TESTS}
    assert {path: names for path, names in found.items() if names} == {}


def test_test_files_have_names_of_their_own() -> None:
    names = [path.name for path in TESTS]
    assert {name for name in names if names.count(name) > 1} == set()


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("shared/bus/utils.py", {"utils"}),
        ("services/api/common/rows.py", {"common"}),
        ("api/build_manager.py", {"manager"}),
        ("api/commonality.py", set()),
    ],
)
def test_checker_finds_a_drawer_in_a_path(path: str, found: set[str]) -> None:
    assert drawers_in_path(Path(path)) == found


def test_checker_finds_a_drawer_among_classes() -> None:
    assert drawer_classes("class BuildManager: ...\nclass Builder: ...") == ["BuildManager"]


def test_checker_finds_a_test_without_a_statement() -> None:
    assert nameless_tests("def test_solve_1(): ...\ndef test_solver_says_why(): ...") == ["test_solve_1"]
