"""Permissions, roles, and the role bindings that give them (contract §3)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from conda_store_shared.domain.names import ALLOWED_CHARACTERS
from conda_store_shared.errors import InvalidInput


class Permission(StrEnum):
    """What may be done; ``environment:create`` really has one colon."""

    ENVIRONMENT_CREATE = "environment:create"
    ENVIRONMENT_READ = "environment::read"
    ENVIRONMENT_UPDATE = "environment::update"
    ENVIRONMENT_DELETE = "environment::delete"
    ENVIRONMENT_SOLVE = "environment::solve"
    BUILD_CANCEL = "build::cancel"
    BUILD_DELETE = "build::delete"
    NAMESPACE_CREATE = "namespace::create"
    NAMESPACE_READ = "namespace::read"
    NAMESPACE_UPDATE = "namespace::update"
    NAMESPACE_DELETE = "namespace::delete"
    NAMESPACE_ROLE_MAPPING_CREATE = "namespace-role-mapping::create"
    NAMESPACE_ROLE_MAPPING_READ = "namespace-role-mapping::read"
    NAMESPACE_ROLE_MAPPING_UPDATE = "namespace-role-mapping::update"
    NAMESPACE_ROLE_MAPPING_DELETE = "namespace-role-mapping::delete"
    SETTING_READ = "setting::read"
    SETTING_UPDATE = "setting::update"


class Role(StrEnum):
    """Stored roles; ``editor`` is accepted as another spelling of ``developer``."""

    VIEWER = "viewer"
    DEVELOPER = "developer"
    ADMIN = "admin"


_VIEWER = frozenset(
    {Permission.ENVIRONMENT_READ, Permission.NAMESPACE_READ, Permission.NAMESPACE_ROLE_MAPPING_READ},
)
_DEVELOPER = _VIEWER | {
    Permission.ENVIRONMENT_CREATE,
    Permission.ENVIRONMENT_UPDATE,
    Permission.ENVIRONMENT_SOLVE,
    Permission.BUILD_CANCEL,
    Permission.SETTING_READ,
}

PERMISSIONS_OF_ROLE: Mapping[Role, frozenset[Permission]] = {
    Role.VIEWER: _VIEWER,
    Role.DEVELOPER: _DEVELOPER,
    Role.ADMIN: frozenset(Permission),
}

_ARN = re.compile(rf"(?P<namespace>[{ALLOWED_CHARACTERS}*]+)/(?P<name>[{ALLOWED_CHARACTERS}*]+)")


def parse_role(text: str) -> Role:
    """Return the role named ``text``; raises InvalidInput."""
    try:
        return Role("developer" if text == "editor" else text)
    except ValueError:
        raise InvalidInput(f"invalid role={text}") from None


@dataclass(frozen=True, slots=True)
class RoleBinding:
    """A pattern over ``namespace/environment`` and the roles held wherever it matches.

    ``*`` stands for zero or more characters and never for ``/``; everything else stands for itself.
    """

    namespace: str
    name: str
    roles: frozenset[Role]

    @classmethod
    def parse(cls, arn: str, roles: Iterable[str]) -> "RoleBinding":
        """Return the binding of ``arn`` to ``roles``; raises InvalidInput."""
        found = _ARN.fullmatch(arn)
        if found is None:
            raise InvalidInput(f"invalid entity={arn}; expected <namespace>/<name>, where * matches any characters")
        return cls(found["namespace"], found["name"], frozenset(parse_role(role) for role in roles))

    @property
    def arn(self) -> str:
        """The pattern as it is written."""
        return f"{self.namespace}/{self.name}"

    def matches(self, namespace: str, name: str | None) -> bool:
        """Whether the binding covers an environment, or with ``name`` None the namespace as a whole.

        A namespace as a whole is only covered by a binding on all of its environments.
        """
        if name is None:
            # "**" is "*": else a holder of x/** could hand out x/*, which it covers, and with it the namespace.
            return not self.name.strip("*") and _pattern(self.namespace).fullmatch(namespace) is not None
        return bool(_pattern(self.namespace).fullmatch(namespace) and _pattern(self.name).fullmatch(name))

    def covers(self, other: "RoleBinding") -> bool:
        """Whether everything that ``other`` matches is matched by this binding too; roles are not looked at."""
        with_star = ALLOWED_CHARACTERS + "*"
        return bool(
            _pattern(self.namespace, with_star).fullmatch(other.namespace)
            and _pattern(self.name, with_star).fullmatch(other.name)
        )


@lru_cache(maxsize=4096)
def _pattern(text: str, characters: str = ALLOWED_CHARACTERS) -> re.Pattern[str]:
    # Each piece is taken where it first occurs and never given back (atomic groups): a hostile "a*a*a*a*b" costs no
    # more than a plain name.
    first, *rest = (re.escape(part) for part in re.sub(r"\*+", "*", text).split("*"))
    if not rest:
        return re.compile(first)
    middle = "".join(f"(?>[{characters}]*?{part})" for part in rest[:-1])
    return re.compile(f"{first}{middle}[{characters}]*{rest[-1]}")


def permissions_of(
    roles: Iterable[Role], granted_by: Mapping[Role, frozenset[Permission]] = PERMISSIONS_OF_ROLE
) -> frozenset[Permission]:
    """Everything that holders of ``roles`` may do."""
    return frozenset().union(*(granted_by.get(role, frozenset()) for role in roles))


def permissions_on(
    bindings: Sequence[RoleBinding],
    namespace: str,
    name: str | None,
    granted_by: Mapping[Role, frozenset[Permission]] = PERMISSIONS_OF_ROLE,
) -> frozenset[Permission]:
    """Everything the bindings allow on one environment (or, with ``name`` None, on a namespace)."""
    roles = {role for binding in bindings if binding.matches(namespace, name) for role in binding.roles}
    return permissions_of(roles, granted_by)


def is_allowed(
    bindings: Sequence[RoleBinding],
    permissions: Iterable[Permission],
    namespace: str,
    name: str | None,
    granted_by: Mapping[Role, frozenset[Permission]] = PERMISSIONS_OF_ROLE,
) -> bool:
    """Whether the bindings grant every one of ``permissions``."""
    return set(permissions) <= permissions_on(bindings, namespace, name, granted_by)
