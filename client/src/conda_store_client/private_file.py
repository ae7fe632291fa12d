"""A JSON file of rows by the address of a server, which only its owner can read or write."""

import json
import os
import stat
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conda_store_client.errors import ClientError

_OTHERS_MAY = stat.S_IRWXG | stat.S_IRWXO
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


def configuration_directory(environment: Mapping[str, str]) -> Path:
    """Where the client keeps things: ``$XDG_CONFIG_HOME/conda-store``."""
    configured = environment.get("XDG_CONFIG_HOME", "")
    # By the specification of these directories, relative ones are to be ignored.
    base = Path(configured) if configured.startswith("/") else Path("~/.config").expanduser()
    return base / "conda-store"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateFile:
    """The file at ``path``; ``remedy`` says what to do when it is damaged.

    Nobody else may write it, and when it is ``secret`` nobody else may read it.
    """

    path: Path
    remedy: str
    secret: bool = True

    def read(self) -> dict[str, Any]:
        """Return the rows; none when there is no file.  Raises ClientError."""
        try:
            with self.path.open("rb") as file:
                self._check_mode(os.fstat(file.fileno()).st_mode)
                rows = json.loads(file.read())
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except OSError as error:
            raise ClientError(f"cannot read {self.path}", error.strerror or str(error)) from None
        except ValueError:
            raise self.damaged() from None
        if not isinstance(rows, dict):
            raise self.damaged()
        return rows

    def write(self, rows: Mapping[str, Any]) -> None:
        """Replace the rows; raises ClientError."""
        target = Path(os.path.realpath(self.path))
        partial = ""
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # For its owner alone from the start.
            handle, partial = tempfile.mkstemp(dir=target.parent, prefix=f".{target.stem}-")
            with open(handle, "w", encoding="utf-8") as file:
                json.dump(rows, file, indent=2)
                file.write("\n")
            Path(partial).replace(target)
        except OSError as error:
            if partial:
                Path(partial).unlink(missing_ok=True)
            raise ClientError(f"cannot write {self.path}", error.strerror or str(error)) from None

    def damaged(self) -> ClientError:
        """The error for rows that are none."""
        return ClientError(f"{self.path} is damaged", self.remedy)

    def _check_mode(self, mode: int) -> None:
        if sys.platform == "win32":
            return
        if self.secret and mode & _OTHERS_MAY:
            raise ClientError(f"{self.path} can be read by others", f"Tokens are secrets: chmod 600 {self.path}")
        if mode & _OTHERS_MAY_WRITE:
            raise ClientError(f"{self.path} can be written by others", f"They could change it: chmod 600 {self.path}")
