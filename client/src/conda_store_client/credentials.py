"""Who the user is to the server: nobody, the bearer of a token, or somebody with a password."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from conda_store_client.errors import ClientError

TOKEN_VARIABLE = "CONDA_STORE_TOKEN"  # noqa: S105  a name, not a token
USERNAME_VARIABLE = "CONDA_STORE_USERNAME"
PASSWORD_VARIABLE = "CONDA_STORE_PASSWORD"  # noqa: S105  a name, not a password
_PARTS_AFTER_HEAD = 2


@dataclass(frozen=True, slots=True)
class Anonymous:
    """Nobody."""

    hint = (
        f"You are not logged in. Use `conda-store login`, --auth token with {TOKEN_VARIABLE}, "
        f"or --auth basic with {USERNAME_VARIABLE} and {PASSWORD_VARIABLE}."
    )


@dataclass(frozen=True, slots=True)
class BearerToken:
    """Whoever holds a token; ``hint`` is told when it does not allow something."""

    token: str = field(repr=False)
    hint: str = f"The token in {TOKEN_VARIABLE} may have expired, or not allow this: see `conda-store info`."


@dataclass(frozen=True, slots=True)
class Password:
    """Somebody who logs in by name and password."""

    username: str
    password: str = field(repr=False)
    hint = "`conda-store info` shows what you are allowed to do."


Credentials = Anonymous | BearerToken | Password


def read_credentials(kind: str, environment: Mapping[str, str]) -> Credentials:
    """Return credentials of a kind (none, token, basic); raises ClientError when a variable is missing."""
    if kind == "token":
        return BearerToken(checked_token(_required("token", TOKEN_VARIABLE, environment), TOKEN_VARIABLE))
    if kind == "basic":
        names = (USERNAME_VARIABLE, PASSWORD_VARIABLE)
        username, password = (_required(kind, name, environment) for name in names)
        return Password(username, password)
    return Anonymous()


def checked_token(text: str, place: str) -> str:
    """Return a token without what stands around it; ``place`` is where it was found.  Raises ClientError."""
    token = text.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ClientError(f"{place} holds no token", "A token has neither spaces nor line ends in it.")
    return token


def is_signed_token(text: str) -> bool:
    """Whether a text looks like a signed token (a JWT), as opposed to other cookies."""
    head, *rest = text.split(".")
    try:
        header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except ValueError:
        return False
    return len(rest) == _PARTS_AFTER_HEAD and isinstance(header, dict) and "alg" in header


def _required(kind: str, name: str, environment: Mapping[str, str]) -> str:
    value = environment.get(name)
    if not value:
        raise ClientError(
            f"--auth {kind} needs the environment variable {name}",
            f"Set it: export {name}=...; or leave --auth (CONDA_STORE_AUTH) out after `conda-store login`.",
        )
    return value
