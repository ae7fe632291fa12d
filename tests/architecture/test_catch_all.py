"""Errors are caught by name; only the edges of a process catch everything, and whoever passes it on."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHARED = Path("shared/src/conda_store_shared")
# Where an unforeseen error becomes an answer, a redelivery, a message to the parent process, the failure of a hook, or
# that of a webhook.
EDGES = {
    SHARED / "web/errors.py",
    SHARED / "bus/consumer.py",
    SHARED / "child/calls.py",
    SHARED / "child/launcher.py",
    Path("services/api/src/conda_store_api/adapters/hook_calls.py"),
    Path("services/api/src/conda_store_api/adapters/http_webhook_sender.py"),
    Path("services/api/src/conda_store_api/use_cases/deliveries/lane.py"),
}
SOURCES = sorted([*ROOT.glob("*/src/**/*.py"), *ROOT.glob("*/*/src/**/*.py")])
# Few files hold any of it, and to parse the others takes seconds.
MENTIONED = re.compile(r"except\s*:|\b(Base)?Exception\b")


def catches_all(source: str) -> list[int]:
    """The lines that catch everything and do not raise it again as their last act."""
    if not MENTIONED.search(source):
        return []
    handlers = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ExceptHandler))
    return [handler.lineno for handler in handlers if _is_wide(handler) and not _passes_on(handler)]


def _is_wide(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or ast.unparse(kind) in {"Exception", "BaseException"} for kind in kinds)


def _passes_on(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def test_only_the_edges_catch_everything() -> None:
    found = {path.relative_to(ROOT): catches_all(path.read_text()) for path in SOURCES}
    assert {path: lines for path, lines in found.items() if lines and path not in EDGES} == {}


@pytest.mark.parametrize(
    ("clause", "found"),
    [
        ("except Exception:\n    pass", [3]),
        ("except:\n    pass", [3]),
        ("except (OSError, BaseException) as error:\n    log(error)", [3]),
        ("except OSError:\n    pass", []),
        ("except BaseException:\n    clean()\n    raise", []),
    ],
)
def test_checker_finds_a_catch_all(clause: str, found: list[int]) -> None:
    assert catches_all(f"try:\n    f()\n{clause}\n") == found
