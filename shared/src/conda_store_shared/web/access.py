"""Rules about who may call an operation, for those that are about names in its path (contract §1, §3)."""

from dataclasses import dataclass

from starlette.requests import Request

from conda_store_shared.domain.permission import Permission
from conda_store_shared.errors import NotAuthorized
from conda_store_shared.web.authentication import authorize, principal_of


def _listed(permissions: tuple[Permission, ...]) -> str:
    return " and ".join(f"`{permission}`" for permission in permissions)


@dataclass(frozen=True, slots=True)
class Filtered:
    """Everybody may call; the rows are those that some role binding of the caller covers."""

    @property
    def told(self) -> str:
        """The rule in words."""
        return "Open to everybody; shows what the caller's role bindings cover."

    async def check(self, request: Request) -> None:
        """Find out who calls."""
        await principal_of(request)


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """Whoever is logged in may call; what they get or may do depends on whose it is."""

    told: str

    async def check(self, request: Request) -> None:
        """Raise NotAuthorized for the anonymous."""
        if not (await principal_of(request)).authenticated:
            raise NotAuthorized("request not authorized: log in, or send a token in the Authorization header")


@dataclass(frozen=True, slots=True)
class ByUseCase:
    """What is needed depends on the body; the use case decides."""

    told: str

    async def check(self, request: Request) -> None:
        """Find out who calls."""
        await principal_of(request)


class OnNamespace:
    """The caller needs permissions on the namespace in the path, whether or not it exists."""

    def __init__(self, *permissions: Permission) -> None:
        self.permissions = permissions

    @property
    def told(self) -> str:
        """The rule in words."""
        return f"Needs {_listed(self.permissions)} on the namespace."

    async def check(self, request: Request) -> None:
        """Raise NotAuthorized before anything tells whether the namespace exists."""
        authorize(await principal_of(request), self.permissions, request.path_params["namespace"], None)


class OnEnvironment:
    """The caller needs permissions on the environment in the path, whether or not it exists."""

    def __init__(self, *permissions: Permission) -> None:
        self.permissions = permissions

    @property
    def told(self) -> str:
        """The rule in words."""
        return f"Needs {_listed(self.permissions)} on the environment."

    async def check(self, request: Request) -> None:
        """Raise NotAuthorized before anything tells whether the environment exists."""
        namespace, environment = request.path_params["namespace"], request.path_params["environment"]
        authorize(await principal_of(request), self.permissions, namespace, environment)


class OnSettings:
    """The caller needs permissions where the settings apply: everywhere, in a namespace, or for an environment."""

    def __init__(self, *permissions: Permission) -> None:
        self.permissions = permissions

    @property
    def told(self) -> str:
        """The rule in words."""
        return f"Needs {_listed(self.permissions)} where the settings apply."

    async def check(self, request: Request) -> None:
        """Raise NotAuthorized; settings for everything need a binding on every namespace."""
        names = request.path_params.get("namespace", ""), request.path_params.get("environment")
        authorize(await principal_of(request), self.permissions, *names)
