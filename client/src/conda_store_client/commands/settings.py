"""What every command is told before its name: which server, and who asks."""

import os
from dataclasses import dataclass

from conda_store_client.connection import Connection
from conda_store_client.credentials import read_credentials

URI_HELP = "A build is <build-id>, <namespace>/<name> (its current build) or <namespace>/<name>:<build-id>."


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The options of `conda-store` itself; commands get them as their context's object."""

    url: str
    auth: str
    verify: bool

    def connect(self) -> Connection:
        """A connection to enter; raises ClientError when variables are missing."""
        return Connection(self.url, read_credentials(self.auth, os.environ), verify=self.verify)
