"""Filters of lists as they are sent (contract §1.3.1)."""

from typing import Annotated

from pydantic import Field

from conda_store_api.repositories.listings import Filter, PackageFilter
from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.build import LARGEST_ID, BuildStatus
from conda_store_shared.web.pagination import PageQuery


class FilterQuery(PageQuery):
    """Filters of environments and builds; empty ones do not filter."""

    search: str | None = None
    namespace: str | None = None
    name: str | None = None
    status: BuildStatus | None = None
    artifact: ArtifactType | None = None
    packages: list[str] = Field(default=[])

    def to_filter(self) -> Filter:
        """The filters as the repository takes them."""
        values = self.model_dump(exclude=set(PageQuery.model_fields))
        return Filter(**{**values, "packages": tuple(dict.fromkeys(self.packages))})


class BuildFilterQuery(FilterQuery):
    """Filters of builds."""

    environment_id: Annotated[int | None, Field(ge=-LARGEST_ID, le=LARGEST_ID)] = None


class PackageQuery(PageQuery):
    """Filters of packages: ``exact`` is true when it is not empty, and acts only together with ``search``."""

    search: str | None = None
    exact: str | None = None
    build: str | None = None

    def to_filter(self) -> PackageFilter:
        """The filters as the repository takes them."""
        return PackageFilter(search=self.search, exact=bool(self.exact), build=self.build)
