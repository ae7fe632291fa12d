"""Reads a lock that a user submits, in whichever form it is (contract §1.4, §2.5)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from conda_store_api.use_cases.read_submission import YamlLimits, load_yaml
from conda_store_api.use_cases.resolve_order import Submission
from conda_store_shared.conda.locked_entries import check_packages, without_credentials
from conda_store_shared.domain.canonical import digest_of
from conda_store_shared.domain.lockfile import Lockfile
from conda_store_shared.domain.locks.explicit_reading import is_explicit_list, read_explicit_list
from conda_store_shared.domain.locks.pixi_reading import is_pixi_lock, read_pixi_lock
from conda_store_shared.domain.names import environment_name
from conda_store_shared.errors import InvalidLockfile, InvalidSpecification

MAXIMUM_LOCKFILE = 16 * 1024 * 1024
# About a second; locks of several platforms are as large as that.
_YAML = YamlLimits(characters=4_000_000, parts=250_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmittedLock:
    """A lock as it was sent; ``environment`` chooses one of those that a pixi.lock has."""

    text: str
    name: str
    description: str = ""
    environment: str = ""


def read_lock(sent: SubmittedLock) -> Submission:
    """Read a conda-lock lockfile, a pixi.lock or an ``@EXPLICIT`` list; raises InvalidLockfile, InvalidName."""
    if len(sent.text) > MAXIMUM_LOCKFILE:
        raise InvalidSpecification(f"the lockfile has {len(sent.text)} characters; at most {MAXIMUM_LOCKFILE}")
    name = environment_name(sent.name)
    try:
        lockfile = without_credentials(Lockfile.from_value(_conda_lock(sent)))
        check_packages(lockfile)
        value = {"name": name, "description": sent.description, "lockfile": dict(lockfile.value)}
        digest = digest_of(value)
    except (TypeError, ValueError) as error:
        raise InvalidLockfile(f"the lockfile has values that JSON does not have: {error}") from error
    return Submission(
        name=name,
        value=value,
        sha256=digest,
        specification=None,
        lockfile=lockfile,
        description=sent.description,
    )


def _conda_lock(sent: SubmittedLock) -> Any:
    if is_explicit_list(sent.text):
        return read_explicit_list(sent.text)
    value = load_yaml(sent.text, _YAML)
    if is_pixi_lock(value):
        return read_pixi_lock(value, sent.environment)
    if isinstance(value, Mapping) and "dependencies" in value and "package" not in value:
        raise InvalidLockfile("this is a specification, not a lockfile; submit it without is_lockfile")
    return value
