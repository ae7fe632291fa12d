"""Options among the entries of a pip section (contract §2.4)."""

import re
from collections.abc import Mapping
from typing import Any

from conda_store_shared.domain.specification import PIP_OPTIONS, TRUSTED_HOST, Specification
from conda_store_shared.errors import InvalidSpecification

# Whoever reads requirements puts the value of a variable of the environment here: nobody's business but the service's.
VARIABLE = "${"
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")
_OPTION = re.compile(r"(?P<name>--[a-z-]+)(?:=|\s+)(?P<value>\S+)")


def is_pip_option(text: str) -> bool:
    """Whether an entry of the pip section is an option rather than a requirement."""
    return text.startswith("-")


def parse_pip_option(text: str) -> tuple[str, str]:
    """Return name and value of a pip option; raises InvalidSpecification."""
    found = _OPTION.fullmatch(text.strip())
    if not found or found["name"] not in PIP_OPTIONS or _UNPRINTABLE.search(text) or VARIABLE in text:
        raise InvalidSpecification(f"Invalid pip option '{text}' supported options are {list(PIP_OPTIONS)}")
    return found["name"], found["value"]


def trusted_hosts(specification: Mapping[str, Any]) -> tuple[str, ...]:
    """Hosts of packages whose certificates need not be good, as the pip section says; none when nobody can tell."""
    try:
        texts = Specification.from_value(specification).pip
        options = [parse_pip_option(text) for text in texts if is_pip_option(text)]
    except InvalidSpecification:
        # A lock was submitted instead.
        return ()
    return tuple(dict.fromkeys(value for name, value in options if name == TRUSTED_HOST))
