"""How botocore's clients of an object store are made."""

from functools import cache
from typing import Any

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session

from conda_store_shared.storage.s3_credentials import CredentialsOptions, use_credentials
from conda_store_shared.storage.service_descriptions import lean_loader


def open_session(credentials: CredentialsOptions | None) -> Any:
    """Return a session of aiobotocore; raises ConfigurationError for a provider of credentials nobody can ask."""
    if credentials is None:
        return _usual_session()
    session = _new_session()
    use_credentials(session, credentials)
    return session


def client_config(connect_timeout: float, read_timeout: float) -> AioConfig:
    """Return what every client is made with; timeouts are seconds."""
    return AioConfig(
        signature_version="s3v4",
        s3={"addressing_style": "path"},
        connect_timeout=connect_timeout,
        read_timeout=read_timeout,
        retries={"total_max_attempts": 2, "mode": "standard"},
        # Many stores know neither the newer checksums nor the trailers they travel in.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        max_pool_connections=32,
        # Else botocore puts a long one together for every request.
        user_agent="conda-store",
    )


@cache
def _usual_session() -> Any:
    # It keeps the parsed descriptions of services, which take long to read.
    return _new_session()


def _new_session() -> Any:
    session = get_session()
    session.register_component("data_loader", lean_loader())
    return session
