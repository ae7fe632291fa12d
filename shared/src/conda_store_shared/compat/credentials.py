"""Providers of S3 credentials as existing configuration files name them, in the words of the package ``minio``.

They hold what they are told; whoever opens the object store finds the credentials.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field


class Provider:
    """Tells credentials when asked for them."""


@dataclass(slots=True)
class StaticProvider(Provider):
    """Credentials that never change."""

    access_key: str
    secret_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


@dataclass(slots=True)
class EnvAWSProvider(Provider):
    """Credentials of the variables AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN."""


@dataclass(slots=True)
class AWSConfigProvider(Provider):
    """Credentials of a file of the AWS command line; its usual place when None."""

    filename: str | None = None
    profile: str | None = None


@dataclass(slots=True)
class IamAwsProvider(Provider):
    """Credentials that the machine or its pod has a role for."""

    custom_endpoint: str | None = None


@dataclass(slots=True)
class ChainedProvider(Provider):
    """Credentials of the first provider that has any."""

    providers: Sequence[Provider]
