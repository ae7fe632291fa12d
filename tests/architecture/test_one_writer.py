"""Each table is written by its owning service alone, and in SQL only from that service's repositories."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Table

from conda_store_shared.db import models

ROOT = Path(__file__).parents[2]
MODELS = set(models.__all__) - {"Model"}
# Rows of these two leave with every service's transaction; the relay takes them away again.
SHARED_TABLES = {"Outbox", "PublicEvent"}
SHARED_WRITERS = {"transaction.py", "relay.py"}
# Old events are taken away by one service.
FORGOTTEN_BY = {"api": {"PublicEvent"}}
OWNERS = {
    "Session": "auth",
    "IssuedToken": "auth",
    "Fragment": "artifacts",
    "Blob": "artifacts",
    "ArtifactBlob": "artifacts",
}
SERVICES = sorted(path for path in ROOT.glob("services/*/src/**/*.py"))
SHARED = sorted(path for path in (ROOT / "shared/src/conda_store_shared").rglob("*.py") if "testing" not in path.parts)


@functools.cache
def nodes(source: str) -> list[ast.AST]:
    """Every node of a module, worked out once."""
    return list(ast.walk(ast.parse(source)))


@functools.cache
def imported(source: str) -> dict[str, str]:
    """The models a module imports, by the name it uses for them."""
    found: dict[str, str] = {}
    if "conda_store_shared.db" not in source:
        return found
    for node in nodes(source):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("conda_store_shared.db.models"):
            found.update({alias.asname or alias.name: alias.name for alias in node.names if alias.name in MODELS})
    return found


def calls(source: str) -> Iterator[tuple[str, list[str]]]:
    """Every call of a plain name: that name, and what its first two arguments begin with."""
    for node in nodes(source):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id, [ast.unparse(argument).partition(".")[0] for argument in node.args[:2]]


def statements(source: str) -> set[str]:
    """The models that INSERT, UPDATE and DELETE statements of a module are about."""
    if not (names := imported(source)):
        return set()
    verbs = ("insert", "update", "delete", "upsert")
    written = (about for called, arguments in calls(source) if called.startswith(verbs) for about in arguments)
    return {names[about] for about in written if about in names}


def new_rows(source: str) -> set[str]:
    """The models of which a module makes rows."""
    if not (names := imported(source)):
        return set()
    return {names[called] for called, _arguments in calls(source) if called in names}


def foreign_writes(service: str, source: str) -> set[str]:
    """The models that a module of this service writes though another service owns them."""
    written = statements(source) | new_rows(source)
    return {model for model in written - SHARED_TABLES if OWNERS.get(model, "api") != service} | (
        statements(source) & (SHARED_TABLES - FORGOTTEN_BY.get(service, set()))
    )


def test_no_service_writes_the_table_of_another() -> None:
    found = {path: foreign_writes(path.relative_to(ROOT).parts[1], path.read_text()) for path in SERVICES}
    assert {path: models for path, models in found.items() if models} == {}


def test_writing_statements_stand_in_repositories() -> None:
    found = {path: statements(path.read_text()) for path in SERVICES if "repositories" not in path.parts}
    assert {path: models for path, models in found.items() if models} == {}


def test_shared_writes_nothing_but_messages_and_events() -> None:
    found = {path.name: statements(path.read_text()) | new_rows(path.read_text()) for path in SHARED}
    written = {name: models for name, models in found.items() if models}
    assert set(written) <= SHARED_WRITERS
    assert set().union(*written.values()) <= SHARED_TABLES


def test_every_model_is_known_to_this_check() -> None:
    tables = {getattr(models, name) for name in MODELS}
    named = {table if isinstance(table, Table) else table.__table__ for table in tables}
    assert named == set(models.Model.metadata.tables.values())


def test_there_are_writes_to_check() -> None:
    assert any(statements(path.read_text()) for path in SERVICES)


SAMPLE = """
from conda_store_shared.db.models import Build
from conda_store_shared.db.models.outbox import Outbox as Row
"""


@pytest.mark.parametrize(
    ("service", "line", "found"),
    [
        ("api", "update(Build).values(status=1)", set()),
        ("auth", "update(Build).values(status=1)", {"Build"}),
        ("auth", "session.add(Build(id=1))", {"Build"}),
        ("auth", "delete(Build.__table__)", {"Build"}),
        ("auth", "insert_new(session, Build, rows)", {"Build"}),
        ("auth", "insert_all_new(session, Build, rows)", {"Build"}),
        ("auth", "select(Build)", set()),
        ("auth", "session.add(PublicEvent(kind='x'))", set()),
        ("api", "delete(Row)", {"Outbox"}),
    ],
)
def test_checker_finds_a_foreign_write(service: str, line: str, found: set[str]) -> None:
    assert foreign_writes(service, SAMPLE + line) == found
