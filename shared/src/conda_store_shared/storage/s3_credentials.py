"""Credentials that change, of whatever provider a configuration file names: minio's, or a class of its own."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from aiobotocore.credentials import (
    AioCredentialResolver,
    AioCredentials,
    AioDeferredRefreshableCredentials,
    AioEnvProvider,
    AioInstanceMetadataProvider,
    AioSharedCredentialProvider,
    create_credential_resolver,
)
from aiobotocore.utils import AioInstanceMetadataFetcher

from conda_store_shared.compat import credentials as known
from conda_store_shared.errors import ConfigurationError, StorageUnavailable

# How long credentials count that do not say when they end: whoever names a provider expects to be asked again.
_UNSAID = timedelta(hours=1)
_ADVISORY_SECONDS, _MANDATORY_SECONDS = 900, 600
# An address where a machine tells its credentials answers at once, or is none.
_METADATA_SECONDS, _METADATA_ATTEMPTS = 2, 2
_CREDENTIALS_FILE = "~/.aws/credentials"
_ROLES = ("assume-role-with-web-identity", "container-role", "iam-role")


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialsOptions:
    """The class of a provider and the arguments to make one with."""

    provider: type[Any]
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict, repr=False)


class _Source(Protocol):
    """Whatever aiobotocore asks in turn for credentials."""

    METHOD: str

    async def load(self) -> Any: ...


def use_credentials(session: Any, options: CredentialsOptions) -> None:
    """Let clients of ``session`` sign with what the provider tells; raises ConfigurationError for one nobody can ask.

    The provider is asked again before what it told expires; a method ``retrieve`` may block, it runs in a thread.
    """
    name = options.provider.__name__
    try:
        provider = options.provider(*options.args, **options.kwargs)
    except (TypeError, ValueError, LookupError, AttributeError, OSError) as error:
        # Named, not quoted: the text may hold one of the arguments.
        raise ConfigurationError(
            f"S3Storage.credentials={name} cannot be made of credentials_args and credentials_kwargs: "
            f"{type(error).__name__}"
        ) from error
    session.register_component("credential_provider", AioCredentialResolver(providers=_sources(session, provider)))


def _sources(session: Any, provider: Any) -> list[_Source]:
    match provider:
        case known.StaticProvider():
            return [_Static(provider)]
        case known.EnvAWSProvider():
            return [AioEnvProvider()]
        case known.AWSConfigProvider():
            return [AioSharedCredentialProvider(provider.filename or _CREDENTIALS_FILE, provider.profile)]
        case known.IamAwsProvider():
            return _of_the_machine(session, provider.custom_endpoint)
        case known.ChainedProvider():
            return [source for each in provider.providers for source in _sources(session, each)]
    if callable(getattr(provider, "retrieve", None)):
        return [_Retrieved(provider)]
    raise ConfigurationError(
        f"S3Storage.credentials={type(provider).__name__} is no provider of credentials: it has no method retrieve(), "
        "which returns access_key, secret_key, session_token and expiration"
    )


def _of_the_machine(session: Any, endpoint: str | None) -> list[_Source]:
    """What a pod or a machine has a role for: a token in a file, the agent of a container, the service of a machine."""
    if endpoint:
        config = {"ec2_metadata_service_endpoint": endpoint}
        fetcher = AioInstanceMetadataFetcher(_METADATA_SECONDS, _METADATA_ATTEMPTS, config=config)
        return [AioInstanceMetadataProvider(iam_role_fetcher=fetcher)]
    usual = create_credential_resolver(session).providers
    return [source for source in usual if source.METHOD in _ROLES]


class _Static:
    """Credentials that are told once."""

    METHOD = "static"

    def __init__(self, provider: known.StaticProvider) -> None:
        self._provider = provider

    async def load(self) -> AioCredentials:
        told = self._provider
        return AioCredentials(told.access_key, told.secret_key, told.session_token)


class _Retrieved:
    """Credentials of any class with a method ``retrieve``."""

    METHOD = "retrieve"

    def __init__(self, provider: Any) -> None:
        self._provider = provider

    async def load(self) -> "_RetrievedCredentials":
        return _RetrievedCredentials(self._provider)


class _RetrievedCredentials(AioDeferredRefreshableCredentials):  # type: ignore[misc]  # it has no types
    """Asks when the first request is signed, and again before what it was told expires.

    Raises StorageUnavailable when there is none.
    """

    def __init__(self, provider: Any) -> None:
        self._provider = provider
        self._name = type(provider).__name__
        super().__init__(self._retrieve, self._name)

    async def _retrieve(self) -> dict[str, str | None]:
        # Gathered, because it may raise whatever it likes; and no text is quoted, which may hold a secret.
        told: Any = (await asyncio.gather(asyncio.to_thread(self._provider.retrieve), return_exceptions=True))[0]
        if isinstance(told, Exception):
            raise StorageUnavailable(f"S3Storage.credentials={self._name} failed: {type(told).__name__}") from told
        try:
            expiry = _expiry(told)
            answer = {"access_key": told.access_key, "secret_key": told.secret_key, "token": told.session_token}
        except (AttributeError, TypeError) as error:
            raise StorageUnavailable(
                f"S3Storage.credentials={self._name}: retrieve() returned {type(told).__name__}, which is not "
                "access_key, secret_key, session_token and expiration, a datetime or None"
            ) from error
        # Of short-lived ones a part of their life: else each request would ask anew.
        left = (expiry - datetime.now(UTC)).total_seconds()
        self._advisory_refresh_timeout = min(_ADVISORY_SECONDS, left / 4)
        self._mandatory_refresh_timeout = min(_MANDATORY_SECONDS, left / 8)
        return {**answer, "expiry_time": expiry.isoformat()}


def _expiry(told: Any) -> datetime:
    """When credentials end; without a zone the moment is UTC, as minio has it."""
    expiration: datetime | None = getattr(told, "expiration", None) or getattr(told, "_expiration", None)
    moment = expiration or datetime.now(UTC) + _UNSAID
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
