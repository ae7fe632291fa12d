"""Names of namespaces and environments, and the patterns (ARNs) that role bindings match them with."""

import re
from typing import NewType

from conda_store_shared.errors import InvalidName

NamespaceName = NewType("NamespaceName", str)
EnvironmentName = NewType("EnvironmentName", str)

# Where environments are that images are made of on demand, out of the packages in the names of the images.
DYNAMIC_NAMESPACE = NamespaceName("conda-store-dynamic")

ALLOWED_CHARACTERS = r"A-Za-z0-9\-+_@$&?^~.="
MAXIMUM_LENGTH = 255
_NAME = re.compile(rf"[{ALLOWED_CHARACTERS}]+")


def _check(kind: str, name: str) -> str:
    if len(name) > MAXIMUM_LENGTH:
        raise InvalidName(f"{kind} is {len(name)} characters long; at most {MAXIMUM_LENGTH} are allowed")
    if not _NAME.fullmatch(name):
        raise InvalidName(f"{kind}={name!r} is not valid; allowed are letters, digits and - + _ @ $ & ? ^ ~ . =")
    # A name becomes a directory: "." and ".." climb, and a leading dot is where builders keep their own files.
    if name.startswith("."):
        raise InvalidName(f"{kind}={name!r} is not valid; it may not start with a dot")
    return name


def namespace_name(name: str) -> NamespaceName:
    """Return ``name`` as a namespace name; raises InvalidName."""
    return NamespaceName(_check("namespace", name))


def environment_name(name: str) -> EnvironmentName:
    """Return ``name`` as an environment name; raises InvalidName."""
    return EnvironmentName(_check("environment name", name))
