"""Why something is allowed, or what is missing."""

from collections.abc import Iterator
from dataclasses import dataclass

from conda_store_shared.domain.names import environment_name, namespace_name
from conda_store_shared.domain.permission import Permission, Role, RoleBinding
from conda_store_shared.errors import InvalidInput
from conda_store_shared.web.authentication import BindingSource, Principal

EVERYWHERE = "*/*"
_GIVEN_BY = {
    BindingSource.UNAUTHENTICATED: "the configuration gives everybody",
    BindingSource.AUTHENTICATED: "the configuration gives everybody who is logged in",
    BindingSource.TOKEN: "the token gives",
    BindingSource.DATABASE: "the role mappings of the namespace give",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Whether something may be done in an environment, in a namespace as a whole (no name), or everywhere (neither)."""

    permission: Permission
    namespace: str
    name: str | None

    @property
    def arn(self) -> str:
        """The place as it is written."""
        return f"{self.namespace}/{self.name or '*'}" if self.namespace else EVERYWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A binding that matches the place, and where it comes from.

    One that is ``replaced_by`` another source, which has the same ARN, counts for nothing.
    """

    arn: str
    roles: tuple[Role, ...]
    source: BindingSource
    grants: bool
    replaced_by: BindingSource | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The answer to a question.  ``granting_roles`` are those of which one, on a binding that matches, would do."""

    permission: Permission
    arn: str
    allowed: bool
    bindings: tuple[Grant, ...]
    granting_roles: tuple[Role, ...]
    message: str


def read_question(text: str) -> Question:
    """Return the question in ``<permission>@<namespace>/<environment>``; raises InvalidInput.

    ``<namespace>`` and ``<namespace>/*`` are the namespace as a whole, nothing and ``*/*`` everywhere.
    """
    permission, at, arn = text.partition("@")
    try:
        known = Permission(permission)
    except ValueError:
        raise InvalidInput(f"unknown permission={permission}; known are {', '.join(sorted(Permission))}") from None
    if not at:
        raise InvalidInput(f"explain={text} names no place; expected <permission>@<namespace>/<environment>")
    if arn in ("", EVERYWHERE):
        return Question(permission=known, namespace="", name=None)
    namespace, slash, name = arn.partition("/")
    if slash and not name:
        raise InvalidInput(f"invalid arn={arn}; expected <namespace>/<environment>, <namespace>, or nothing")
    environment = None if name in ("", "*") else environment_name(name)
    return Question(permission=known, namespace=namespace_name(namespace), name=environment)


def explain_permission(question: Question, principal: Principal) -> Explanation:
    """Return why ``principal`` may do what is asked, or what is missing for it."""
    grants = tuple(_grants(question, principal))
    allowed = principal.may({question.permission}, question.namespace, question.name)
    granting = tuple(role for role in Role if question.permission in principal.permissions_of_role.get(role, ()))
    return Explanation(
        permission=question.permission,
        arn=question.arn,
        allowed=allowed,
        bindings=grants,
        granting_roles=granting,
        message=_allowed(question, grants) if allowed else _missing(question, grants, granting),
    )


def _grants(question: Question, principal: Principal) -> Iterator[Grant]:
    counting = {binding.arn: source for source, bindings in principal.sources.items() for binding in bindings}
    for source, bindings in principal.sources.items():
        for binding in bindings:
            if binding.matches(question.namespace, question.name):
                replaced_by = counting[binding.arn] if counting[binding.arn] is not source else None
                yield _grant(binding, source, replaced_by, question.permission in principal.permissions_of(binding))


def _grant(binding: RoleBinding, source: BindingSource, replaced_by: BindingSource | None, holds: bool) -> Grant:
    return Grant(
        arn=binding.arn,
        roles=tuple(sorted(binding.roles)),
        source=source,
        grants=holds and replaced_by is None,
        replaced_by=replaced_by,
    )


def _allowed(question: Question, grants: tuple[Grant, ...]) -> str:
    told = "; ".join(_told(grant) for grant in grants if grant.grants)
    return f"{question.permission} is allowed on {question.arn}: {told}"


def _missing(question: Question, grants: tuple[Grant, ...], granting: tuple[Role, ...]) -> str:
    needed = f"role {' or '.join(granting)}" if granting else "a role that grants it, of which there is none"
    told = "; ".join(_told(grant) for grant in grants) or "no binding matches it"
    return f"{question.permission} is not allowed on {question.arn}: needed is {needed}; {told}"


def _told(grant: Grant) -> str:
    roles = " and ".join(grant.roles) or "no role"
    replaced = f" (replaced: {_GIVEN_BY[grant.replaced_by]} other roles on it)" if grant.replaced_by else ""
    return f"{_GIVEN_BY[grant.source]} {roles} on {grant.arn}{replaced}"
