"""Submit a specification, get its build (contract §1.4)."""

import asyncio

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import Response

from conda_store_api.repositories.environments import find_namespace
from conda_store_api.repositories.settings import effective_settings
from conda_store_api.routes.context import HOOK_ERRORS, api_of
from conda_store_api.routes.models import BuildIdModel
from conda_store_api.use_cases.read_lock import SubmittedLock, read_lock
from conda_store_api.use_cases.read_submission import read_specification
from conda_store_api.use_cases.resolve_order import Submission
from conda_store_api.use_cases.submit_specification import Request as BuildRequest
from conda_store_api.use_cases.submit_specification import submit_specification
from conda_store_api.use_cases.validate_submission import validate_submission
from conda_store_shared.db.moments import now
from conda_store_shared.domain.names import environment_name
from conda_store_shared.domain.permission import Permission
from conda_store_shared.web.access import ByUseCase
from conda_store_shared.web.answers import ok
from conda_store_shared.web.authentication import Principal, authorize, principal_of
from conda_store_shared.web.models import Envelope
from conda_store_shared.web.operation import operation
from conda_store_shared.web.parsing import parse_json


class SpecificationBody(BaseModel):
    """What is posted; name, description and environment are only used for lockfiles.

    With ``is_lockfile`` the specification is a conda-lock lockfile (version 1), a ``pixi.lock``, of whose environments
    ``lockfile_environment`` chooses one, or an ``@EXPLICIT`` list.
    """

    specification: str = ""
    namespace: str | None = None
    is_lockfile: bool = False
    environment_name: str = ""
    environment_description: str = ""
    lockfile_environment: str = ""


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
    asked = await _asked(request, body)
    submission = await _validated(request, await _read(request, body, asked.namespace), asked.namespace)
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


async def _read(request: Request, body: SpecificationBody, namespace: str) -> Submission:
    if not body.is_lockfile:
        return read_specification(body.specification)
    # Locks are large, and are read for those alone who may submit them.
    async with api_of(request).transactions.database.session() as session:
        await _authorize(request, session, namespace, environment_name(body.environment_name))
    sent = SubmittedLock(
        text=body.specification,
        name=body.environment_name,
        description=body.environment_description,
        environment=body.lockfile_environment,
    )
    async with api_of(request).reading:
        return await asyncio.to_thread(read_lock, sent)


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
