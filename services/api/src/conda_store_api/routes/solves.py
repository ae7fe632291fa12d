"""Solve a specification without building it (contract §1.4)."""

from typing import Literal

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from conda_store_api.routes.context import HOOK_ERRORS, api_of
from conda_store_api.routes.models import SolutionModel
from conda_store_api.routes.shapes import package_build_shape
from conda_store_api.use_cases.solve_remotely import solve_remotely
from conda_store_shared.db.moments import now
from conda_store_shared.domain.permission import Permission
from conda_store_shared.domain.specification import Specification
from conda_store_shared.errors import NotAuthorized
from conda_store_shared.web.answers import JsonResponse
from conda_store_shared.web.authentication import principal_of
from conda_store_shared.web.operation import operation
from conda_store_shared.web.parsing import parse_query
from conda_store_shared.web.patience import while_connected


class SolveQuery(BaseModel):
    """A specification in pieces: channels, MatchSpecs, pip requirements, platforms; ``format`` makes no difference."""

    channel: list[str] = Field(default=[])
    conda: list[str] = Field(default=[])
    pip: list[str] = Field(default=[])
    platform: list[str] = Field(default=[])
    format: Literal["yaml", "lockfile"] = "yaml"

    def to_specification(self) -> Specification:
        """The specification; raises InvalidSpecification."""
        dependencies = [*self.conda, *([{"pip": self.pip}] if self.pip else [])]
        value = {"name": "solve", "channels": self.channel, "dependencies": dependencies, "platforms": self.platform}
        return Specification.from_value(value)


class MaySolve:
    """The caller needs the permission to solve on some environment, whichever, unless solving is for everybody."""

    @property
    def told(self) -> str:
        """The rule in words."""
        opened = "open to everybody when `RBACAuthorizationBackend.anonymous_solve` is set."
        return f"Needs `{Permission.ENVIRONMENT_SOLVE}` somewhere; {opened}"

    async def check(self, request: Request) -> None:
        """Raise NotAuthorized unless the caller may solve."""
        principal = await principal_of(request)
        allowed = any(Permission.ENVIRONMENT_SOLVE in principal.permissions_of(one) for one in principal.bindings)
        if not (allowed or api_of(request).anonymous_solve):
            raise NotAuthorized("request not authorized")


@operation(
    "Solve a specification",
    MaySolve(),
    SolutionModel,
    query=SolveQuery,
    errors={
        400: "The specification cannot be read, is not allowed, or has no solution; or a channel does not answer.",
        500: HOOK_ERRORS[500],
        504: "No solution was found in time, or a hook of the deployment gave no answer.",
    },
)
async def get_solution(request: Request) -> Response:
    """Solve and return the packages; nothing is built."""
    specification = parse_query(request, SolveQuery).to_specification()
    rows = await while_connected(request, solve_remotely(specification, api_of(request).solves, now()))
    return JsonResponse({"solve": [package_build_shape(*row) for row in rows]})
