"""Tests run on real parts and are never skipped."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FORBIDDEN_MODULES = {"unittest.mock", "mock", "pytest_mock", "moto", "fakeredis", "respx", "testcontainers"}
FORBIDDEN_NAMES = {"skip", "skipif", "xfail", "importorskip"}
FORBIDDEN_FIXTURES = {"mocker", "monkeypatch"}
# Few files name any of them, and to parse the others takes seconds.
MENTIONED = re.compile("|".join(map(re.escape, FORBIDDEN_MODULES | FORBIDDEN_NAMES | FORBIDDEN_FIXTURES)))
SOURCES = sorted([*(ROOT / "tests").rglob("*.py"), *ROOT.glob("shared/src/*/testing/**/*.py")])


def escapes(source: str) -> list[str]:
    """What a test file uses to get round a real part, or round being run."""
    found: list[str] = []
    if not MENTIONED.search(source):
        return found
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                found += [alias.name for alias in names if alias.name in FORBIDDEN_MODULES]
            case ast.ImportFrom(module=str(module)) if module in FORBIDDEN_MODULES:
                found.append(module)
            case ast.Attribute(value=ast.Name(id="pytest") | ast.Attribute(attr="mark"), attr=name):
                found += [name] if name in FORBIDDEN_NAMES else []
            case ast.arg(arg=name) if name in FORBIDDEN_FIXTURES:
                found.append(name)
    return found


def test_no_test_escapes_the_real_parts() -> None:
    found = {path.relative_to(ROOT): escapes(path.read_text()) for path in SOURCES}
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from unittest.mock import Mock", ["unittest.mock"]),
        ("import moto", ["moto"]),
        ("pytest.skip('no docker')", ["skip"]),
        ("@pytest.mark.xfail\ndef test_it(): ...", ["xfail"]),
        ("def test_it(monkeypatch): ...", ["monkeypatch"]),
        ("rows.skip(3)", []),
    ],
)
def test_checker_finds_an_escape(source: str, found: list[str]) -> None:
    assert escapes(source) == found
