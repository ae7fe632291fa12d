"""Submit a specification, get its build (contract §1.4)."""

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import Response

from conda_store_api.repositories.environments import find_namespace
from conda_store_api.repositories.settings import effective_settings
from conda_store_api.routes.context import HOOK_ERRORS, api_of
from conda_store_api.routes.models import BuildIdModel
from conda_store_api.use_cases.read_submission import read_lockfile, read_specification
from conda_store_api.use_cases.resolve_order import Submission
from conda_store_api.use_cases.submit_specification import Request as BuildRequest
from conda_store_api.use_cases.submit_specification import submit_specification
from conda_store_api.use_cases.validate_submission import validate_submission
from conda_store_shared.db.moments import now
from conda_store_shared.domain.permission import Permission
from conda_store_shared.web.access import ByUseCase
from conda_store_shared.web.answers import ok
from conda_store_shared.web.authentication import Principal, authorize, principal_of
from conda_store_shared.web.models import Envelope
from conda_store_shared.web.operation import operation
from conda_store_shared.web.parsing import parse_json


class SpecificationBody(BaseModel):
    """What is posted; name and description are only used for lockfiles."""

    specification: str = ""
    namespace: str | None = None
    is_lockfile: bool = False
    environment_name: str = ""
    environment_description: str = ""


@operation(
    "Submit a specification",
    ByUseCase(
        "Needs `environment:create` on the environment that the specification names, and `namespace::create` when the "
        "namespace does not exist yet."
    ),
    Envelope[BuildIdModel],
    body=SpecificationBody,
    body_optional=True,
    errors={400: "The specification or lockfile cannot be read or is not allowed.", **HOOK_ERRORS},
)
async def post_specification(request: Request) -> Response:
    """Create a build of a specification or of a lockfile."""
    body = await parse_json(request, SpecificationBody, optional=True)
    submission, asked = _read(body), await _asked(request, body)
    submission = await _validated(request, submission, asked.namespace)
    async with api_of(request).transactions.begin() as transaction:
        await _authorize(request, transaction.session, asked.namespace, submission.name)
        build_id = await submit_specification(submission, asked, api_of(request).policy, transaction)
    api_of(request).release()
    return ok({"build_id": build_id})


async def _asked(request: Request, body: SpecificationBody) -> BuildRequest:
    principal = await principal_of(request)
    namespace = body.namespace or await _own_namespace(request, principal)
    return BuildRequest(namespace=namespace, actor=principal.primary_namespace, now=now())


async def _own_namespace(request: Request, principal: Principal) -> str:
    if principal.authenticated:
        return principal.primary_namespace
    async with api_of(request).transactions.database.session() as session:
        return (await effective_settings(session, api_of(request).policy.settings)).default_namespace


def _read(body: SpecificationBody) -> Submission:
    if body.is_lockfile:
        return read_lockfile(body.specification, body.environment_name, body.environment_description)
    return read_specification(body.specification)


async def _validated(request: Request, submission: Submission, namespace: str) -> Submission:
    """Ask the hooks about what the caller may submit; what they make of it, the caller must be allowed as well."""
    async with api_of(request).transactions.database.session() as session:
        await _authorize(request, session, namespace, submission.name)
    return await validate_submission(submission, namespace, api_of(request).hooks)


async def _authorize(request: Request, session: AsyncSession, namespace: str, name: str) -> None:
    permissions = [Permission.ENVIRONMENT_CREATE]
    authorize(await principal_of(request), permissions, namespace, name)
    found = await find_namespace(session, namespace)
    if found is None or found.deleted_on is not None:
        permissions.append(Permission.NAMESPACE_CREATE)
    authorize(await principal_of(request), permissions, namespace, name)
