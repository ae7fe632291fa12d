"""How much is used (contract §1.1)."""

from starlette.requests import Request
from starlette.responses import Response

from conda_store_api.repositories.usage import list_usage
from conda_store_api.routes.context import api_of
from conda_store_api.routes.models import UsageModel
from conda_store_shared.web.access import Filtered
from conda_store_shared.web.answers import ok
from conda_store_shared.web.authentication import principal_of
from conda_store_shared.web.models import Envelope
from conda_store_shared.web.operation import operation


@operation("Show how much is used", Filtered(), Envelope[dict[str, UsageModel]])
async def show_usage(request: Request) -> Response:
    """Show environments, builds and bytes of each namespace with builds."""
    principal = await principal_of(request)
    async with api_of(request).transactions.database.session() as session:
        rows = await list_usage(session, principal.bindings)
    names = UsageModel.model_fields
    return ok({row.namespace: {name: getattr(row, name) for name in names} for row in rows})
