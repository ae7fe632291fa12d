"""Browse the channels that were indexed or built from (contract §1.5)."""

from starlette.requests import Request
from starlette.responses import Response

from conda_store_api.repositories.channels import list_channels
from conda_store_api.routes.context import api_of
from conda_store_api.routes.models import ChannelModel
from conda_store_api.routes.shapes import channel_shape
from conda_store_shared.web.models import PageOf
from conda_store_shared.web.operation import Anyone, operation
from conda_store_shared.web.pagination import PageQuery, page_envelope, parse_page

_SORTABLE = ("name",)


@operation("List channels", Anyone(), PageOf[ChannelModel], query=PageQuery)
async def get_channels(request: Request) -> Response:
    """List channels with the time of their last index."""
    page = parse_page(request, api_of(request).max_page_size, sortable=_SORTABLE, default=_SORTABLE)
    async with api_of(request).transactions.database.reader() as reader:
        rows, count = await list_channels(reader, page)
    return page_envelope([channel_shape(*row) for row in rows], page, count)
