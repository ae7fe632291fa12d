"""The object store a configuration asks for."""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from traitlets.config import Config

from conda_store_shared.config.storage import LocalStorage, S3Storage
from conda_store_shared.storage.filesystem import FilesystemStore

if TYPE_CHECKING:
    from conda_store_shared.storage.s3 import S3Store


def open_store(config: Config) -> "FilesystemStore | S3Store":
    """Return the object store, to be entered: S3 when S3Storage.internal_endpoint is set, else files."""
    section = S3Storage(config=config)
    if not section.internal_endpoint:
        return FilesystemStore(Path(LocalStorage(config=config).storage_path))
    external = section.external_endpoint
    # To import its client takes a third of a second and 20 MB, which a process that stands on files does without.
    s3 = import_module("conda_store_shared.storage.s3")
    store: S3Store = s3.S3Store(
        s3.S3Options(
            bucket=section.bucket_name,
            endpoint=_address(section.internal_endpoint, section.internal_secure),
            external_endpoint=_address(external, section.external_secure) if external else None,
            region=section.region,
            access_key=section.access_key or None,
            secret_key=section.secret_key or None,
        )
    )
    return store


def _address(host: str, secure: bool) -> str:
    return f"{'https' if secure else 'http'}://{host}"
