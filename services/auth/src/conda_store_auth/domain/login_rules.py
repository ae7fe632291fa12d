"""Whom of those an identity provider vouches for we let in, and with which roles."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from conda_store_shared.domain.names import namespace_name
from conda_store_shared.domain.permission import Role, RoleBinding
from conda_store_shared.errors import InvalidName, NotAuthorized

RolesByArn = Mapping[str, Iterable[str]]

PLACEHOLDER = "{username}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginRules:
    """Who may log in, and the roles by ARN of everybody, of single users, of members of groups.

    In the ARNs of ``everybody``, ``{username}`` stands for the user's name.  With neither ``allowed_users`` nor
    ``allowed_groups`` everybody may log in; the ``reserved`` namespaces are nobody's own.
    """

    everybody: RolesByArn = field(default_factory=lambda: {f"{PLACEHOLDER}/*": ("admin",)})
    by_user: Mapping[str, RolesByArn] = field(default_factory=dict)
    by_group: Mapping[str, RolesByArn] = field(default_factory=dict)
    allowed_users: Collection[str] = frozenset()
    allowed_groups: Collection[str] = frozenset()
    reserved: Collection[str] = frozenset({"default", "filesystem"})

    def bindings(self, username: str, groups: Iterable[str]) -> tuple[RoleBinding, ...]:
        """Return the role bindings of somebody who logs in; roles on the same ARN add up.

        Raises NotAuthorized for whoever may not log in, or has a name that cannot be that of a namespace.
        """
        groups = list(groups)
        self._check_name(username)
        if not self._lets_in(username, groups):
            raise NotAuthorized(f"{username!r} is not among those who may log in here; ask the administrator")
        of_groups = [self.by_group.get(group, {}) for group in groups]
        return _added_up([self._of_everybody(username), self.by_user.get(username, {}), *of_groups])

    def check(self) -> None:
        """Raise InvalidInput for a rule that nobody can read."""
        _added_up([self._of_everybody("x"), *self.by_user.values(), *self.by_group.values()])

    def _of_everybody(self, username: str) -> RolesByArn:
        return {arn.replace(PLACEHOLDER, username): roles for arn, roles in self.everybody.items()}

    def _check_name(self, username: str) -> None:
        try:
            namespace_name(username)
        except InvalidName as error:
            raise NotAuthorized(f"the user name cannot be the name of a namespace: {error.message}") from None
        if username in self.reserved:
            raise NotAuthorized(f"the user name {username!r} is that of a namespace which is nobody's own")

    def _lets_in(self, username: str, groups: Iterable[str]) -> bool:
        if not self.allowed_users and not self.allowed_groups:
            return True
        return username in self.allowed_users or not set(groups).isdisjoint(self.allowed_groups)


def _added_up(granted: Iterable[RolesByArn]) -> tuple[RoleBinding, ...]:
    roles: dict[str, frozenset[Role]] = {}
    for by_arn in granted:
        for arn, names in by_arn.items():
            roles[arn] = roles.get(arn, frozenset()) | RoleBinding.parse(arn, names).roles
    return tuple(RoleBinding.parse(arn, held) for arn, held in roles.items())
