"""Files, functions and route handlers stay small."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("shared", "services", "client", "deploy", "tests", "benchmarks", "scripts")
FILE_LIMIT = 400
FUNCTION_LIMIT = 50
HANDLER_LIMIT = 8

Function = ast.FunctionDef | ast.AsyncFunctionDef
BRANCHES = ast.ExceptHandler | ast.match_case
SOURCES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
ROUTES = sorted(ROOT.glob("services/*/src/*/routes/**/*.py"))


def functions(source: str) -> Iterator[Function]:
    """Every function and method of a module, nested ones too."""
    waiting: list[ast.AST] = [ast.parse(source)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Function):
            yield node
        # Expressions, which are most of a tree, hold no functions.
        waiting += [inner for inner in ast.iter_child_nodes(node) if isinstance(inner, ast.stmt | BRANCHES)]


def length(first: ast.stmt, last: ast.stmt) -> int:
    """The lines from the first statement to the end of the last."""
    return (last.end_lineno or last.lineno) - first.lineno + 1


def long_functions(source: str) -> list[str]:
    """Functions over the limit, with their lengths."""
    lengths = [(node.name, length(node, node)) for node in functions(source)]
    return [f"{name} has {lines} lines" for name, lines in lengths if lines > FUNCTION_LIMIT]


def is_handler(node: Function) -> bool:
    """A public coroutine whose first argument is a request."""
    annotation = node.args.args[0].annotation if node.args.args else None
    is_public = isinstance(node, ast.AsyncFunctionDef) and not node.name.startswith("_")
    return is_public and annotation is not None and ast.unparse(annotation).endswith("Request")


def long_handlers(source: str) -> list[str]:
    """Route handlers whose body, the docstring apart, is over the limit."""
    found = []
    for node in functions(source):
        body = node.body[1:] if ast.get_docstring(node) is not None else node.body
        if is_handler(node) and body and length(body[0], body[-1]) > HANDLER_LIMIT:
            found.append(f"{node.name} has {length(body[0], body[-1])} lines")
    return found


def test_no_file_is_too_long() -> None:
    lengths = {path.relative_to(ROOT): len(path.read_text().splitlines()) for path in SOURCES}
    assert {path: lines for path, lines in lengths.items() if lines > FILE_LIMIT} == {}


def test_no_function_is_too_long() -> None:
    # A migration is a record of what was done, written once and in one go.
    code = (path for path in SOURCES if path.parent.name != "versions")
    found = {path.relative_to(ROOT): long_functions(path.read_text()) for path in code}
    assert {path: names for path, names in found.items() if names} == {}


def test_no_route_handler_is_too_long() -> None:
    found = {path.relative_to(ROOT): long_handlers(path.read_text()) for path in ROUTES}
    assert {path: names for path, names in found.items() if names} == {}


def test_there_are_sources_and_handlers_to_measure() -> None:
    assert len(SOURCES) > 50
    assert any(is_handler(node) for path in ROUTES for node in functions(path.read_text()))


def body_of(lines: int) -> str:
    """A function body of that many lines."""
    return "    x = 1\n" * lines


@pytest.mark.parametrize(("lines", "found"), [(49, []), (50, ["f has 51 lines"])])
def test_checker_finds_a_long_function(lines: int, found: list[str]) -> None:
    assert long_functions("def f():\n" + body_of(lines)) == found


@pytest.mark.parametrize(
    ("head", "lines", "found"),
    [
        ('async def show(request: Request):\n    """Text.\n\n    More.\n    """\n', 8, []),
        ("async def show(request: Request):\n", 9, ["show has 9 lines"]),
        ("async def show(request: requests.Request):\n", 9, ["show has 9 lines"]),
        ("async def _part(request: Request):\n", 9, []),
        ("def shape(row: Row):\n", 9, []),
    ],
)
def test_checker_finds_a_long_handler(head: str, lines: int, found: list[str]) -> None:
    assert long_handlers(head + body_of(lines)) == found
