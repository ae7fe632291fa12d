"""What every command is told before its name: which server, and who asks."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from conda_store_client.connection import Connection, shown_address
from conda_store_client.credentials import Anonymous, BearerToken, Credentials, read_credentials
from conda_store_client.token_file import TokenFile, token_path

F = TypeVar("F", bound=Callable[..., Any])

URI_HELP = "A build is <build-id>, <namespace>/<name> (its current build) or <namespace>/<name>:<build-id>."

_LOGIN_HINT = (
    "Your login may have expired, or not allow this: `conda-store login` logs in again, `conda-store info` shows more."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """The options of `conda-store` itself; commands get them as their context's object."""

    url: str
    auth: str | None
    verify: bool

    @property
    def tokens(self) -> TokenFile:
        """The tokens that `conda-store login` stored."""
        return TokenFile(token_path(os.environ))

    def connect(self) -> Connection:
        """A connection to enter; raises ClientError when variables are missing."""
        return self.connect_as(self._credentials())

    def connect_as(self, credentials: Credentials) -> Connection:
        """A connection to enter, as somebody else."""
        return Connection(self.url, credentials, verify=self.verify)

    def _credentials(self) -> Credentials:
        if self.auth is not None:
            return read_credentials(self.auth, os.environ)
        stored = self.tokens.find(shown_address(self.url))
        return Anonymous() if stored is None else BearerToken(stored.token, _LOGIN_HINT)


def output_option(command: F) -> F:
    """Add the option that says how rows are printed."""
    choice = click.Choice(["table", "json"])
    return click.option("--output", type=choice, default="table", show_default=True, help="How to print it.")(command)
