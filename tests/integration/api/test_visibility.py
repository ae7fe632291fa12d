"""What lists show is what the pure rule says, on both databases."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from conda_store_shared.db.engine import Database
from conda_store_shared.db.migrate import upgrade
from conda_store_shared.db.models import Environment, Namespace
from conda_store_shared.db.queries.visibility import visible_environments, visible_namespaces
from conda_store_shared.domain.permission import Role, RoleBinding
from conda_store_shared.transaction import Transactions

# Few letters, so that patterns meet names; every character that means something to LIKE, GLOB or an expression.
NAMES = ["a", "A", "ab", "a_b", "axb", "a.b", "a+b", "a?b", "a^b", "a$", "-a", "a~", "b", "ba"]
_PIECES = st.sampled_from(["a", "A", "b", "_", ".", "+", "?", "^", "$", "-", "~", "*", "*", "*"])
_PATTERNS = st.lists(_PIECES, min_size=1, max_size=4).map("".join)
_BINDINGS = st.lists(
    st.builds(RoleBinding, _PATTERNS, _PATTERNS, st.just(frozenset({Role.VIEWER}))), min_size=0, max_size=3
)


@pytest.fixture(params=["sqlite", "postgres"], scope="module")
def database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with an environment of each name in a namespace of each name."""
    if request.param == "sqlite":
        url = f"sqlite:///{_directory(tmp_path_factory)}/visible.sqlite"
    else:
        url = request.getfixturevalue("postgres_server").create_database()
    asyncio.run(_fill(url))
    return url


def _directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("visible")


async def _fill(url: str) -> None:
    async with Database(url) as database:
        await upgrade(database)
        async with Transactions(database, "test").begin() as transaction:
            transaction.session.add_all(Namespace(id=index, name=name) for index, name in enumerate(NAMES, 1))
            await transaction.session.flush()
            transaction.session.add_all(
                Environment(namespace_id=index, name=name) for index in range(1, len(NAMES) + 1) for name in NAMES
            )


@given(bindings=_BINDINGS)
@example(bindings=[RoleBinding("A*", "*", frozenset({Role.VIEWER}))])
@example(bindings=[RoleBinding("*_*", "*?*", frozenset({Role.VIEWER}))])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_lists_show_what_some_binding_matches_and_nothing_else(database_url: str, bindings: list[RoleBinding]) -> None:
    shown, named = asyncio.run(_visible(database_url, bindings))
    expected = {(ns, name) for ns in NAMES for name in NAMES if any(each.matches(ns, name) for each in bindings)}
    assert shown == expected
    # A namespace is seen by whoever may see something that could be in it.
    everywhere = [RoleBinding(each.namespace, "*", each.roles) for each in bindings]
    assert named == {ns for ns in NAMES if any(each.matches(ns, None) for each in everywhere)}


async def _visible(url: str, bindings: list[RoleBinding]) -> tuple[set[tuple[str, str]], set[str]]:
    async with Database(url, pool_size=1) as database, database.session() as session:
        rows = await session.execute(
            select(Namespace.name, Environment.name)
            .join(Environment, Environment.namespace_id == Namespace.id)
            .where(visible_environments(bindings, Namespace.name, Environment.name))
        )
        namespaces = await session.scalars(select(Namespace.name).where(visible_namespaces(bindings, Namespace.name)))
        return {(row[0], row[1]) for row in rows}, set(namespaces)
