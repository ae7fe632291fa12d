"""Where a prefix is, what stands beside it, and how long its path may be.

<build_directory>/<build_key>/                    a prefix; whole once its marker says so
<build_directory>/.<build_key>.lock               held while a prefix is put there or taken away
<build_directory>/.attempt-<build_key>-<uuid>/    being installed; its .lock is held while somebody works on it
<build_directory>/.trash-<build_key>-<uuid>/      on its way out
"""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure

# Prefixes are written into binaries, in place of placeholders of 255 characters.
MAXIMUM_PATH = 255
ATTEMPT = ".attempt-"
TRASH = ".trash-"
LOCK = ".lock"
_LONGEST_KEY = 180


def check_length(path: str) -> None:
    """Raise StageFailure("prefix_too_long") when programs could not be told to live at ``path``."""
    if len(path) > MAXIMUM_PATH:
        raise StageFailure(FailureCode.PREFIX_TOO_LONG, f"build_path too long: must be <= {MAXIMUM_PATH} characters")


def file_name(build_key: str) -> str:
    """The build key, or when it is very long a name for it that leaves room for what is put around it."""
    if len(build_key.encode()) <= _LONGEST_KEY:
        return build_key
    return f"{build_key[:100]}-{hashlib.sha256(build_key.encode()).hexdigest()[:32]}"


def lock_of(prefix: Path) -> Path:
    """The lock under which a prefix is put in place, marked whole, or taken away."""
    return prefix.with_name(f".{file_name(prefix.name)}{LOCK}")


def attempt_of(prefix: Path, unique: str) -> Path:
    """A directory for one attempt at ``prefix``, on the same volume."""
    return prefix.with_name(f"{ATTEMPT}{file_name(prefix.name)}-{unique}")


def attempt_lock_of(attempt: Path) -> Path:
    """The lock held while somebody works on an attempt."""
    return attempt.with_name(attempt.name + LOCK)


def trash_of(prefix: Path, unique: str) -> Path:
    """Where what is to be removed goes first, so that nobody sees half of it."""
    return prefix.with_name(f"{TRASH}{file_name(prefix.name)}-{unique}")


def remains_of(prefix: Path, names: Iterable[str]) -> list[Path]:
    """The attempts at ``prefix`` and its trash, as the names beside it tell; of some only the lock may be there."""
    kinds = "|".join(map(re.escape, (ATTEMPT, TRASH)))
    own = re.compile(rf"(?:{kinds}){re.escape(file_name(prefix.name))}-[0-9a-f]{{32}}")
    return [
        prefix.with_name(name) for name in sorted({name.removesuffix(LOCK) for name in names}) if own.fullmatch(name)
    ]
