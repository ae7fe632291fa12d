"""Options of the object store (contract §5.2)."""

from traitlets import Any as AnyValue
from traitlets import Bool, Dict, List, Type, Unicode
from traitlets.config import Configurable

from conda_store_shared.config.directories import data_directory


class Storage(Configurable):
    """Where lockfiles, logs, archives and images are kept."""


class LocalStorage(Storage):
    """Objects as files."""

    storage_path = Unicode(help="Directory of the objects.").tag(config=True)

    storage_url = Unicode(
        "", help="Address that downloads are redirected below; /storage of the server itself when empty."
    ).tag(config=True)

    def _storage_path_default(self) -> str:
        return str(data_directory() / "storage")


class S3Storage(Storage):
    """Objects in a bucket; used when ``internal_endpoint`` is set or CondaStore.storage_class says so."""

    internal_endpoint = Unicode("", help="host:port of the store, as the services reach it.").tag(config=True)
    external_endpoint = Unicode("", help="host:port of the store, as users reach it; as internal when empty.").tag(
        config=True
    )
    access_key = Unicode("", allow_none=True, help="Access key; found as AWS clients do when empty.").tag(
        config=True, secret=True
    )
    secret_key = Unicode("", allow_none=True, help="Secret key.").tag(config=True, secret=True)
    region = Unicode("us-east-1", help="Region that requests are signed for.").tag(config=True)
    bucket_name = Unicode("conda-store", help="Bucket; must exist.").tag(config=True)
    internal_secure = Bool(True, help="Whether services use https.").tag(config=True)
    external_secure = Bool(True, help="Whether users use https.").tag(config=True)
    redirect_downloads = Bool(
        True,
        help="Whether downloads are redirected to the store, which users must then reach; else artifacts streams them.",
    ).tag(config=True)
    credentials = Type(
        None, klass=object, allow_none=True, help="Class of a provider of credentials that change, as minio has them."
    ).tag(config=True)
    credentials_args = List(AnyValue(), [], help="Arguments of that class.").tag(config=True, secret=True)
    credentials_kwargs = Dict(help="Arguments by name of that class.").tag(config=True, secret=True)
