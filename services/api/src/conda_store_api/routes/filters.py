"""Filters of lists as they are sent (contract §1.3.1)."""

from dataclasses import fields, replace
from typing import Annotated

from pydantic import BaseModel, Field
from starlette.requests import Request

from conda_store_api.repositories.listings import Filter, PackageFilter
from conda_store_api.repositories.package_search import KEYS, PackageSearch
from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.build import LARGEST_ID, BuildStatus
from conda_store_shared.errors import InvalidInput
from conda_store_shared.web.authentication import Authenticator
from conda_store_shared.web.cursor import CursorQuery
from conda_store_shared.web.pagination import PageQuery
from conda_store_shared.web.parsing import parse_query
from conda_store_shared.web.routing import resource

_FILTERS = {field.name for field in fields(Filter)}


class Filters(BaseModel):
    """Filters of environments and builds; empty ones do not filter."""

    search: str | None = None
    namespace: str | None = None
    name: str | None = None
    status: BuildStatus | None = None
    artifact: ArtifactType | None = None
    packages: list[str] = Field(default=[])

    def to_filter(self) -> Filter:
        """The filters as the repository takes them."""
        values = self.model_dump(include=_FILTERS)
        return Filter(**{**values, "packages": tuple(dict.fromkeys(self.packages))})


class BuildQuery(PageQuery, Filters):
    """Which page of which builds."""

    environment_id: Annotated[int | None, Field(ge=-LARGEST_ID, le=LARGEST_ID)] = None


class EnvironmentFilters(Filters):
    """Filters of environments; ``jwt`` is a token, and leaves what its holder sees as well."""

    jwt: str | None = None


class EnvironmentQuery(PageQuery, EnvironmentFilters):
    """Which page of which environments."""


class EnvironmentCursorQuery(CursorQuery, EnvironmentFilters):
    """Which environments, after a cursor."""


async def environment_filter(request: Request) -> Filter:
    """The filters of environments that a request asks for; raises InvalidInput for a token that is worth nothing."""
    filters = parse_query(request, EnvironmentFilters)
    if not filters.jwt:
        return filters.to_filter()
    holder = await resource(request, Authenticator).holder_of(filters.jwt)
    if holder is None:
        raise InvalidInput("jwt is no token of this server, or has expired")
    return replace(filters.to_filter(), seen_by=holder.bindings)


class PackageQuery(PageQuery):
    """Filters of packages: ``exact`` is true when it is not empty, and acts only together with ``search``."""

    search: str | None = None
    exact: str | None = None
    build: str | None = None

    def to_filter(self) -> PackageFilter:
        """The filters as the repository takes them."""
        return PackageFilter(search=self.search, exact=bool(self.exact), build=self.build)


class PackageSearchQuery(PackageQuery):
    """Search among all packages; of those that agree in the columns ``distinct_on`` one is shown."""

    distinct_on: list[str] = Field(default=[])

    def to_search(self) -> PackageSearch:
        """The search as the repository takes it; columns that are not known are passed over."""
        columns = tuple(key for key in dict.fromkeys(self.distinct_on) if key in KEYS)
        return PackageSearch(search=self.search, exact=bool(self.exact), build=self.build, distinct_on=columns)
