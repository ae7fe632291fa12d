"""The tokens that `conda-store login` stores, one for each server, in a file that only its owner can read."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from conda_store_client.private_file import PrivateFile, configuration_directory


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredToken:
    """A token, whose it is, and when it ends as the server writes it; None for one that never does."""

    token: str = field(repr=False)
    namespace: str = ""
    expires_on: str | None = None


def token_path(environment: Mapping[str, str]) -> Path:
    """Where tokens are stored: ``$XDG_CONFIG_HOME/conda-store/tokens.json``."""
    return configuration_directory(environment) / "tokens.json"


class TokenFile:
    """A file of tokens by the address of their server."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = PrivateFile(path=path, remedy="Remove it, and log in again: conda-store login")

    def find(self, url: str) -> StoredToken | None:
        """Return the token for a server; raises ClientError for a file that others can read, or that is none."""
        row = self._file.read().get(url)
        return None if row is None else self._parse(row)

    def put(self, url: str, token: StoredToken) -> None:
        """Store the token for a server in place of the one before; raises ClientError."""
        self._file.write({**self._file.read(), url: asdict(token)})

    def remove(self, url: str) -> None:
        """Forget the token for a server; raises ClientError."""
        self._file.write({other: row for other, row in self._file.read().items() if other != url})

    def _parse(self, row: object) -> StoredToken:
        if not isinstance(row, dict) or not isinstance(row.get("token"), str):
            raise self._file.damaged()
        namespace, expires_on = row.get("namespace"), row.get("expires_on")
        return StoredToken(
            token=row["token"],
            namespace=str(namespace or ""),
            expires_on=None if expires_on is None else str(expires_on),
        )
