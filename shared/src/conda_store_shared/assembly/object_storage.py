"""The object store a configuration asks for."""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from traitlets.config import Config

from conda_store_shared.config.conda_store import CondaStore
from conda_store_shared.config.storage import LocalStorage, S3Storage, Storage
from conda_store_shared.errors import ConfigurationError
from conda_store_shared.storage.filesystem import FilesystemStore
from conda_store_shared.storage.measured import MeasuredStore

if TYPE_CHECKING:
    from conda_store_shared.storage.s3 import S3Store

# What a class of somebody's own would override; of both of ours they are nobody's to call.
_METHODS = ("fset", "set", "get", "get_url", "delete")


def open_store(config: Config) -> MeasuredStore:
    """Return the object store, to be entered, of the class that CondaStore.storage_class names.

    When it names none, that is S3Storage if S3Storage.internal_endpoint is set.  Raises ConfigurationError.
    """
    kind = _storage_class(config)
    if issubclass(kind, S3Storage):
        return MeasuredStore(_open_s3(kind(config=config)))
    if issubclass(kind, LocalStorage):
        section = kind(config=config)
        return MeasuredStore(FilesystemStore(Path(section.storage_path), section.storage_url))
    raise _refused(kind)


def is_remote(config: Config) -> bool:
    """Whether the object store is asked over the network; raises ConfigurationError."""
    return issubclass(_storage_class(config), S3Storage)


def _storage_class(config: Config) -> type[Storage]:
    kind: type[Storage] = CondaStore(config=config).storage_class
    is_named = "storage_class" in config.CondaStore
    if not is_named and S3Storage(config=config).internal_endpoint:
        return S3Storage
    if any(name in vars(each) for each in kind.__mro__ for name in _METHODS):
        raise _refused(kind)
    return kind


def _refused(kind: type[Storage]) -> ConfigurationError:
    return ConfigurationError(
        f"CondaStore.storage_class={kind.__name__} keeps objects in a way of its own, which is not supported: it could "
        "not tell whether an object is there whole, nor stream it.  Use S3Storage for whatever speaks S3, or "
        "LocalStorage for whatever can be mounted as a directory"
    )


def _open_s3(section: S3Storage) -> "S3Store":
    for given, other in (("access_key", "secret_key"), ("secret_key", "access_key")):
        if getattr(section, given) and not getattr(section, other):
            raise ConfigurationError(f"S3Storage.{given} is set, but S3Storage.{other} is not")
    internal, external = section.internal_endpoint, section.external_endpoint
    # To import its client takes a third of a second and 20 MB, which a process that stands on files does without.
    s3 = import_module("conda_store_shared.storage.s3")
    store: S3Store = s3.S3Store(
        s3.S3Options(
            bucket=section.bucket_name,
            # Without an address it is Amazon's.
            endpoint=_address(internal, section.internal_secure) if internal else None,
            external_endpoint=_address(external, section.external_secure) if external else None,
            redirects=section.redirect_downloads,
            region=section.region,
            access_key=None if section.credentials else section.access_key or None,
            secret_key=None if section.credentials else section.secret_key or None,
            credentials=_credentials(section, s3.CredentialsOptions),
        )
    )
    return store


def _credentials(section: S3Storage, make: Any) -> Any:
    if section.credentials is None:
        return None
    return make(provider=section.credentials, args=section.credentials_args, kwargs=section.credentials_kwargs)


def _address(host: str, secure: bool) -> str:
    return f"{'https' if secure else 'http'}://{host}"
