"""The object store a configuration asks for."""

from pathlib import Path

from traitlets.config import Config

from conda_store_shared.config.storage import LocalStorage, S3Storage
from conda_store_shared.storage.filesystem import FilesystemStore
from conda_store_shared.storage.s3 import S3Options, S3Store


def open_store(config: Config) -> FilesystemStore | S3Store:
    """Return the object store, to be entered: S3 when S3Storage.internal_endpoint is set, else files."""
    section = S3Storage(config=config)
    if not section.internal_endpoint:
        return FilesystemStore(Path(LocalStorage(config=config).storage_path))
    external = section.external_endpoint
    return S3Store(
        S3Options(
            bucket=section.bucket_name,
            endpoint=_address(section.internal_endpoint, section.internal_secure),
            external_endpoint=_address(external, section.external_secure) if external else None,
            region=section.region,
            access_key=section.access_key or None,
            secret_key=section.secret_key or None,
        )
    )


def _address(host: str, secure: bool) -> str:
    return f"{'https' if secure else 'http'}://{host}"
