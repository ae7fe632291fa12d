"""What a caller may see, as a condition of the query itself."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, false, or_, true
from sqlalchemy.orm import InstrumentedAttribute

from conda_store_shared.domain.permission import RoleBinding

Name = InstrumentedAttribute[str]


def _matches(column: Name, pattern: str) -> ColumnElement[bool]:
    if pattern == "*":
        return true()
    if "*" not in pattern:
        return column == pattern
    escaped = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("*", "%")
    return column.like(escaped, escape="\\")


def visible_environments(bindings: Sequence[RoleBinding], namespace: Name, name: Name) -> ColumnElement[bool]:
    """Condition on rows with a namespace and an environment name: some binding covers them, whatever its role."""
    conditions = [and_(_matches(namespace, binding.namespace), _matches(name, binding.name)) for binding in bindings]
    return or_(*conditions) if conditions else false()


def visible_namespaces(bindings: Sequence[RoleBinding], namespace: Name) -> ColumnElement[bool]:
    """Condition on rows with a namespace: some binding covers it or an environment in it."""
    conditions = [_matches(namespace, binding.namespace) for binding in bindings]
    return or_(*conditions) if conditions else false()
