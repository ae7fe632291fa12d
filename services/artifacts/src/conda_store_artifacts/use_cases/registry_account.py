"""Who we are at registries of others, as the configuration file tells."""

import dataclasses
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from conda_store_artifacts.domain.image_reference import Repository
from conda_store_artifacts.use_cases.call_option import call_option
from conda_store_artifacts.use_cases.image_tools import PushTarget
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure

OPTION = "ContainerRegistry.container_registries"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A registry and who we are there; ``registry`` is what the configuration file made, for its own functions."""

    registry: Any
    repository: Repository


async def open_account(target: PushTarget) -> Account:
    """Return who we are at a target; raises StageFailure("image_not_possible")."""
    registry = await call_option(OPTION, target.open, target.address)
    hostname = str(getattr(registry, "hostname", None) or target.address)
    if "://" not in hostname:
        hostname = f"https://{hostname}"
    parts = urlsplit(hostname)
    if parts.scheme not in ("http", "https") or not parts.netloc or "@" in parts.netloc:
        detail = f"{OPTION}: the function of {target.address} returns a registry without a usable hostname"
        raise StageFailure(FailureCode.IMAGE_NOT_POSSIBLE, detail)
    return Account(
        registry=registry,
        repository=Repository(
            address=f"{parts.scheme}://{parts.netloc}",
            name="",
            username=getattr(registry, "username", None),
            password=getattr(registry, "password", None),
        ),
    )


async def account_of(repository: Repository, targets: Sequence[PushTarget]) -> Repository:
    """Return a repository with the account we have at its registry, if there is one."""
    for target in targets:
        host = urlsplit(target.address if "://" in target.address else f"https://{target.address}").netloc
        if host == repository.host:
            known = (await open_account(target)).repository
            return dataclasses.replace(repository, username=known.username, password=known.password)
    return repository
