"""What the handlers of this service reach for."""

from dataclasses import dataclass

from starlette.requests import Request

from conda_store_artifacts.ports import Signer
from conda_store_artifacts.use_cases.describe_build import Site
from conda_store_artifacts.use_cases.locate_artifact import ServedStore
from conda_store_artifacts.use_cases.provide_zstd_archive import ZstdTools
from conda_store_shared.db.engine import Database
from conda_store_shared.db.queries.builds import BuildPlace
from conda_store_shared.storage.object_store import ObjectStore
from conda_store_shared.web.routing import resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloads:
    """The parts of the service its routes use.

    ``url_prefix`` is without a trailing slash; ``registry`` is host and port that images are pulled from.  Without a
    ``signer`` no provenance is told; ``builder`` is who it names, ``version`` that of this software.
    """

    database: Database
    store: ObjectStore
    url_prefix: str
    registry: str = "localhost:8080"
    version: str = "0"
    builder: str = ""
    signer: Signer | None = None
    zstd: ZstdTools

    @property
    def site(self) -> Site:
        """Who makes builds here."""
        return Site(builder=self.builder, version=self.version)

    @property
    def served(self) -> ServedStore:
        """The store, and where objects without an address of their own are served."""
        return ServedStore(store=self.store, path=f"{self.url_prefix}/storage")

    def image_name(self, place: BuildPlace) -> str:
        """What to pull for the image of a build."""
        return f"{self.registry}/{place.namespace}/{place.environment}:{place.build_key}"

    def log_path(self, build_id: int) -> str:
        """Path of a build's log while it is written, from its beginning."""
        return f"{self.url_prefix}/api/v1/build/{build_id}/logs/?position=0"


def downloads_of(request: Request) -> Downloads:
    """Return the parts the route was provided with."""
    return resource(request, Downloads)
