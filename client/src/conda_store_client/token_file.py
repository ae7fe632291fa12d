"""The tokens that `conda-store login` stores, one for each server, in a file that only its owner can read."""

import json
import os
import stat
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from conda_store_client.errors import ClientError

_OTHERS_MAY = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredToken:
    """A token, whose it is, and when it ends as the server writes it; None for one that never does."""

    token: str = field(repr=False)
    namespace: str = ""
    expires_on: str | None = None


def token_path(environment: Mapping[str, str]) -> Path:
    """Where tokens are stored: ``$XDG_CONFIG_HOME/conda-store/tokens.json``."""
    configured = environment.get("XDG_CONFIG_HOME", "")
    # By the specification of these directories, relative ones are to be ignored.
    base = Path(configured) if configured.startswith("/") else Path("~/.config").expanduser()
    return base / "conda-store" / "tokens.json"


class TokenFile:
    """A file of tokens by the address of their server."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def find(self, url: str) -> StoredToken | None:
        """Return the token for a server; raises ClientError for a file that others can read, or that is none."""
        row = self._read().get(url)
        return None if row is None else self._parse(row)

    def put(self, url: str, token: StoredToken) -> None:
        """Store the token for a server in place of the one before; raises ClientError."""
        self._write({**self._read(), url: asdict(token)})

    def remove(self, url: str) -> None:
        """Forget the token for a server; raises ClientError."""
        self._write({other: row for other, row in self._read().items() if other != url})

    def _read(self) -> dict[str, Any]:
        try:
            with self.path.open("rb") as file:
                if sys.platform != "win32" and os.fstat(file.fileno()).st_mode & _OTHERS_MAY:
                    raise ClientError(
                        f"{self.path} can be read by others", f"Tokens are secrets: chmod 600 {self.path}"
                    )
                rows = json.loads(file.read())
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except OSError as error:
            raise ClientError(f"cannot read {self.path}", error.strerror or str(error)) from None
        except ValueError:
            raise self._broken() from None
        if not isinstance(rows, dict):
            raise self._broken()
        return rows

    def _parse(self, row: object) -> StoredToken:
        if not isinstance(row, dict) or not isinstance(row.get("token"), str):
            raise self._broken()
        namespace, expires_on = row.get("namespace"), row.get("expires_on")
        return StoredToken(
            token=row["token"],
            namespace=str(namespace or ""),
            expires_on=None if expires_on is None else str(expires_on),
        )

    def _write(self, rows: Mapping[str, Any]) -> None:
        target = Path(os.path.realpath(self.path))
        partial = ""
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # For its owner alone from the start.
            handle, partial = tempfile.mkstemp(dir=target.parent, prefix=".tokens-")
            with open(handle, "w", encoding="utf-8") as file:
                json.dump(rows, file, indent=2)
                file.write("\n")
            Path(partial).replace(target)
        except OSError as error:
            if partial:
                Path(partial).unlink(missing_ok=True)
            raise ClientError(f"cannot write {self.path}", error.strerror or str(error)) from None

    def _broken(self) -> ClientError:
        return ClientError(f"{self.path} is damaged", "Remove it, and log in again: conda-store login")
