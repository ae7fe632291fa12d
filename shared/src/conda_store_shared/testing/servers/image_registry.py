"""A registry of images by others: Debian's docker-registry, the reference of the distribution protocol."""

import base64
import json
from collections.abc import Sequence
from pathlib import Path

from conda_store_shared.testing.servers.process import ServerProcess, accepts_connections, find_program, free_port
from conda_store_shared.testing.servers.token_server import ISSUER, SERVICE, TokenServer

_PACKAGE = "docker-registry"
USER = "pusher"
PASSWORD = "registry-password-5f1c"
# What `htpasswd -B` makes of that password.
_HASHED = "$2y$04$abcdefghijklmnopqrstuuR4nfqZTYXd8QMVH/egWPqHP7ooXdbRG"


class ImageRegistry(ServerProcess):
    """Keeps images in its directory; a `guarded` one wants USER and PASSWORD for everything, or a token of `tokens`."""

    name = "image-registry"

    def __init__(self, *, guarded: bool = False, tokens: TokenServer | None = None) -> None:
        super().__init__()
        self.port = free_port()
        self._guarded = guarded
        self._tokens = tokens

    @property
    def host(self) -> str:
        """Host and port, as they stand at the front of an image's name."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{self.host}"

    @property
    def authorization(self) -> dict[str, str]:
        """The header that a guarded one wants to see."""
        return {"Authorization": "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}

    def command(self) -> Sequence[str | Path]:
        """The registry, configured by a file alone."""
        return find_program("docker-registry", _PACKAGE), "serve", self.directory / "registry.yml"

    def prepare(self) -> None:
        """Write the configuration, which is YAML, of which JSON is a part."""
        super().prepare()
        options: dict[str, object] = {
            "version": "0.1",
            "log": {"level": "info"},
            "storage": {
                "filesystem": {"rootdirectory": str(self.directory / "images")},
                "delete": {"enabled": True},
            },
            "http": {"addr": self.host},
        }
        if self._guarded:
            (self.directory / "passwords").write_text(f"{USER}:{_HASHED}\n")
            options["auth"] = {"htpasswd": {"realm": "test", "path": str(self.directory / "passwords")}}
        if self._tokens is not None:
            options["auth"] = {
                "token": {
                    "realm": self._tokens.realm,
                    "service": SERVICE,
                    "issuer": ISSUER,
                    "rootcertbundle": str(self._tokens.certificate),
                }
            }
        (self.directory / "registry.yml").write_text(json.dumps(options))

    def is_ready(self) -> bool:
        """Whether it listens."""
        return accepts_connections(self.port)
