"""The bill of materials of a build, from its lockfile."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Literal

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from conda_store_artifacts.domain.bills import cyclonedx, spdx
from conda_store_artifacts.domain.bills.bill import Bill
from conda_store_artifacts.routes.context import downloads_of
from conda_store_artifacts.routes.locks import locked_build
from conda_store_artifacts.use_cases.describe_build import bill_of
from conda_store_shared.domain.permission import Permission
from conda_store_shared.web.answers import JsonResponse
from conda_store_shared.web.build_access import OnBuild
from conda_store_shared.web.operation import Content, operation
from conda_store_shared.web.parsing import parse_query

Write = Callable[[Bill], dict[str, Any]]
_WRITERS: Mapping[str, tuple[Write, str]] = {
    cyclonedx.FORM: (cyclonedx.write_cyclonedx, cyclonedx.MEDIA_TYPE),
    spdx.FORM: (spdx.write_spdx, spdx.MEDIA_TYPE),
}


class BillQuery(BaseModel):
    """``format`` is cyclonedx (1.6) or spdx (2.3), ``platform`` one that the build is locked for."""

    format: Literal["cyclonedx", "spdx"] = "cyclonedx"
    platform: str | None = None


@operation(
    "Download the bill of materials",
    OnBuild(Permission.ENVIRONMENT_READ),
    Content(told="CycloneDX 1.6.", media_type="application/vnd.cyclonedx+json"),
    Content(told="SPDX 2.3.", media_type=spdx.MEDIA_TYPE),
    query=BillQuery,
    errors={400: "The lockfile is not for that platform.", 404: "There is no such build, or it has no lockfile."},
)
async def get_bill(request: Request) -> Response:
    """The packages of a build with their digests and licenses, as scanners read them."""
    query = parse_query(request, BillQuery)
    build, (write, media_type) = await locked_build(request), _WRITERS[query.format]
    bill = bill_of(build, build.platform(query.platform), downloads_of(request).version)
    return JsonResponse(await asyncio.to_thread(write, bill), headers={"Content-Type": media_type})
