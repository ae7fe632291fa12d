"""A build as functions of configuration files know it: its key, and the names it lives under."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from conda_store_shared.domain.order import Order


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceView:
    """A namespace."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentView:
    """An environment."""

    name: str
    namespace: NamespaceView


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecificationView:
    """What was asked for."""

    name: str
    spec: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildView:
    """A build."""

    id: int
    build_key: str
    environment: EnvironmentView
    specification: SpecificationView


def view_of(order: Order) -> BuildView:
    """Return the view of an order's build."""
    return BuildView(
        id=order.build_id,
        build_key=order.build_key,
        environment=EnvironmentView(name=order.environment, namespace=NamespaceView(name=order.namespace)),
        specification=SpecificationView(name=order.environment, spec=order.solve.specification),
    )
