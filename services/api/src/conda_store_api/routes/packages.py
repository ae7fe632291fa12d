"""Search the packages of all channels (contract §1.5)."""

from starlette.requests import Request
from starlette.responses import Response

from conda_store_api.repositories.package_search import KEYS, search_packages
from conda_store_api.routes.context import api_of
from conda_store_api.routes.filters import PackageSearchQuery
from conda_store_api.routes.models import PackageModel
from conda_store_api.routes.shapes import found_package_shape
from conda_store_shared.web.models import PageOf
from conda_store_shared.web.operation import Anyone, operation
from conda_store_shared.web.pagination import page_envelope, parse_page
from conda_store_shared.web.parsing import parse_query


@operation("Search packages", Anyone(), PageOf[PackageModel], query=PackageSearchQuery)
async def get_packages(request: Request) -> Response:
    """List the versions of packages, or one of those that agree in the columns of ``distinct_on``."""
    page = parse_page(request, api_of(request).max_page_size, sortable=KEYS, default=KEYS)
    search = parse_query(request, PackageSearchQuery).to_search()
    async with api_of(request).transactions.database.reader() as reader:
        rows, count = await search_packages(reader, search, page)
    return page_envelope([found_package_shape(row) for row in rows], page, count)
