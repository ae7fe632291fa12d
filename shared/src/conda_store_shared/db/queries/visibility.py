"""What a caller may see, as a condition of the query itself."""

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import Boolean, ColumnElement, and_, false, or_, true
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from conda_store_shared.domain.permission import RoleBinding

Name = InstrumentedAttribute[str]


def _matches(column: Name, pattern: str) -> ColumnElement[bool]:
    if pattern == "*":
        return true()
    if "*" not in pattern:
        return column == pattern
    return cast("ColumnElement[bool]", _MatchesPattern(column, _for_like(pattern), _for_glob(pattern)))


class _MatchesPattern(FunctionElement[bool]):
    """A column against a pattern: by LIKE, and where that takes "a" for "A", by GLOB."""

    type = Boolean()
    inherit_cache = True


@compiles(_MatchesPattern)
def _by_like(element: _MatchesPattern, compiler: SQLCompiler, **rest: Any) -> str:
    column, like, _glob = element.clauses
    return f"{compiler.process(column, **rest)} LIKE {compiler.process(like, **rest)} ESCAPE '/'"


@compiles(_MatchesPattern, "sqlite")
def _by_glob(element: _MatchesPattern, compiler: SQLCompiler, **rest: Any) -> str:
    column, _like, glob = element.clauses
    return f"{compiler.process(column, **rest)} GLOB {compiler.process(glob, **rest)}"


def _for_like(pattern: str) -> str:
    # No name holds a slash, so it needs no escape of its own.
    return pattern.replace("%", "/%").replace("_", "/_").replace("*", "%")


def _for_glob(pattern: str) -> str:
    return pattern.replace("[", "[[]").replace("?", "[?]")


def visible_environments(bindings: Sequence[RoleBinding], namespace: Name, name: Name) -> ColumnElement[bool]:
    """Condition on rows with a namespace and an environment name: some binding covers them, whatever its role."""
    if any(binding.namespace == binding.name == "*" for binding in bindings):
        # Said so plainly, no name has to be looked at.
        return true()
    conditions = [and_(_matches(namespace, binding.namespace), _matches(name, binding.name)) for binding in bindings]
    return or_(*conditions) if conditions else false()


def visible_namespaces(bindings: Sequence[RoleBinding], namespace: Name) -> ColumnElement[bool]:
    """Condition on rows with a namespace: some binding covers it or an environment in it."""
    conditions = [_matches(namespace, binding.namespace) for binding in bindings]
    return or_(*conditions) if conditions else false()
