"""Who somebody is, as ``authenticate`` of existing configuration files tells it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(slots=True, kw_only=True)
class AuthenticationToken:
    """Somebody with their namespace and roles by ``namespace/environment``; ``exp`` ends an earlier login, in UTC."""

    exp: datetime | None = None
    primary_namespace: str = "default"
    role_bindings: Mapping[str, Iterable[str]] = field(default_factory=dict)
