"""Who pulls, and what they may pull: by the credentials of every other route, or by a token for images alone.

https://distribution.github.io/distribution/spec/auth/token/
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from starlette.requests import Request

from conda_store_artifacts.domain.image_path import ImagePath
from conda_store_shared.domain.permission import Permission
from conda_store_shared.web.authentication import Authenticator, Principal, principal_of
from conda_store_shared.web.routing import resource

AUDIENCE = "conda-store-registry"
LIFETIME = timedelta(minutes=5)
_PULL, _MAKE = "pull", "make"
_MOST_SCOPES = 32


class Caller(Protocol):
    """Somebody who asks the registry for something."""

    @property
    def authenticated(self) -> bool:
        """Whether they showed a credential."""
        ...

    def may_pull(self, image: ImagePath) -> bool:
        """Whether they may read the environment of an image."""
        ...

    def may_make(self, image: ImagePath) -> bool:
        """Whether they may have the environment of a dynamic image made."""
        ...


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody known by a token of the suite, or nobody."""

    principal: Principal

    @property
    def authenticated(self) -> bool:
        return self.principal.authenticated

    def may_pull(self, image: ImagePath) -> bool:
        return self.principal.may((Permission.ENVIRONMENT_READ,), image.namespace, image.environment)

    def may_make(self, image: ImagePath) -> bool:
        return self.principal.may((Permission.ENVIRONMENT_CREATE,), image.namespace, image.environment)


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody with a token for some images: actions by the name of the image."""

    actions: dict[str, Sequence[str]]
    authenticated: bool = True

    def may_pull(self, image: ImagePath) -> bool:
        return _PULL in self.actions.get(image.name, ())

    def may_make(self, image: ImagePath) -> bool:
        return _MAKE in self.actions.get(image.name, ())


async def caller_of(request: Request) -> Caller:
    """Return who asks; raises DatabaseUnavailable."""
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    authenticator = resource(request, Authenticator)
    if scheme.lower() == "bearer":
        claims = authenticator.signer.verify_for(AUDIENCE, text.strip(), authenticator.clock())
        if claims is not None and not await authenticator.is_revoked(claims.get("parent")):
            return Holder({entry["name"]: entry["actions"] for entry in claims["access"]})
    return Known(await principal_of(request))


def issue_registry_token(
    principal: Principal, scopes: Sequence[str], authenticator: Authenticator, now: datetime
) -> dict[str, Any]:
    """Return a token for what ``principal`` may do of ``scopes``, as clients of registries read it.

    It is worth nothing anywhere else, and nothing any more when the token it was issued for is revoked.
    """
    names = [name for scope in scopes[:_MOST_SCOPES] if (name := _repository(scope)) is not None]
    expiration = min(now + LIFETIME, principal.expiration or now + LIFETIME)
    claims = {
        "sub": principal.primary_namespace,
        "parent": principal.token_id,
        "exp": int(expiration.timestamp()),
        "access": [{"type": "repository", "name": name, "actions": _granted(Known(principal), name)} for name in names],
    }
    text = authenticator.signer.sign_for(AUDIENCE, claims)
    seconds = max(1, int((expiration - now).total_seconds()))
    issued = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"token": text, "access_token": text, "expires_in": seconds, "issued_at": issued}


def _repository(scope: str) -> str | None:
    """The image in a scope such as ``repository:team/weather:pull``."""
    kind, _, rest = scope.partition(":")
    name, _, _ = rest.rpartition(":")
    return name if kind == "repository" and name else None


def _granted(caller: Known, name: str) -> list[str]:
    image = ImagePath.parse(f"{name}/tags/list")
    if image is None or not caller.may_pull(image):
        return []
    return [_PULL, _MAKE] if caller.may_make(image) else [_PULL]
