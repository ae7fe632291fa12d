"""The keys that servers sign provenance with: the first one seen of a server is the one it is to have for ever."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from conda_store_client.private_file import PrivateFile, configuration_directory


def known_keys_path(environment: Mapping[str, str]) -> Path:
    """Where keys are remembered: ``$XDG_CONFIG_HOME/conda-store/known-keys.json``."""
    return configuration_directory(environment) / "known-keys.json"


@dataclass(frozen=True, slots=True)
class KnownKeys:
    """The file of keys, public ones in PEM by the address of their server."""

    path: Path

    def find(self, url: str) -> str | None:
        """Return the key of a server, None when none was seen; raises ClientError for a file that is damaged."""
        key = self._file.read().get(url)
        if key is not None and not isinstance(key, str):
            raise self._file.damaged()
        return key

    def put(self, url: str, key: str) -> None:
        """Remember the key of a server; raises ClientError."""
        self._file.write({**self._file.read(), url: key})

    def remove(self, url: str) -> None:
        """Forget the key of a server; raises ClientError."""
        self._file.write({other: key for other, key in self._file.read().items() if other != url})

    @property
    def _file(self) -> PrivateFile:
        return PrivateFile(path=self.path, remedy="Remove it; keys are then remembered anew.", secret=False)
