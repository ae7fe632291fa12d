"""A transaction is committed in one place of the code base."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLACE = Path("shared/src/conda_store_shared/transaction.py")
SOURCES = sorted([*ROOT.glob("*/src/**/*.py"), *ROOT.glob("*/*/src/**/*.py")])


def commits(source: str) -> list[int]:
    """The lines that call a method named commit."""
    if ".commit" not in source:
        return []
    calls = (node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return [function.lineno for function in calls if isinstance(function, ast.Attribute) and function.attr == "commit"]


def test_only_the_transaction_commits() -> None:
    found = {path.relative_to(ROOT): commits(path.read_text()) for path in SOURCES}
    assert {path for path, lines in found.items() if lines} == {PLACE}


def test_checker_finds_a_commit() -> None:
    assert commits("async def f(session):\n    await session.commit()\n") == [2]
    assert commits("commit = 'abc'\nshow(commit)\n") == []
