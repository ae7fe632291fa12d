"""The gateway: nginx as it is deployed, in front of services on loopback ports."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from conda_store_shared.testing.servers.process import ServerProcess, accepts_connections, find_program, free_port

PACKAGE = "nginx-light"
SERVE = Path(__file__).parents[5] / "deploy" / "gateway" / "serve.sh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstreams:
    """The loopback ports of the services behind the gateway, and the prefix they serve below."""

    api: int
    auth: int
    artifacts: int
    prefix: str = ""


class Gateway(ServerProcess):
    """nginx on one loopback port, routing by path to the services.

    `proxies` are networks of proxies in front; `certificate`, a PEM file with its key, is for a second port with TLS.
    """

    name = "gateway"

    def __init__(self, upstreams: Upstreams, *, proxies: str = "", certificate: Path | None = None) -> None:
        find_program("nginx", PACKAGE, "/usr/sbin", "/usr/local/sbin")
        super().__init__()
        self.upstreams = upstreams
        self.port, self.tls_port = free_port(), free_port()
        self._proxies = proxies
        self._certificate = certificate

    @property
    def url(self) -> str:
        """The public address, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def tls_url(self) -> str:
        """The address with TLS."""
        return f"https://127.0.0.1:{self.tls_port}"

    def environment(self) -> Mapping[str, str]:
        variables = {
            "GATEWAY_LISTEN": f"127.0.0.1:{self.port}",
            "GATEWAY_DIRECTORY": str(self.directory),
            "GATEWAY_PREFIX": self.upstreams.prefix,
            "GATEWAY_TRUSTED_PROXIES": self._proxies,
            # Started by root, the workers would become an account that cannot enter the directory.
            "GATEWAY_ACCOUNT": "root" if os.geteuid() == 0 else "",
            "API_UPSTREAM": f"127.0.0.1:{self.upstreams.api}",
            "AUTH_UPSTREAM": f"127.0.0.1:{self.upstreams.auth}",
            "ARTIFACTS_UPSTREAM": f"127.0.0.1:{self.upstreams.artifacts}",
            "PATH": f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin",
        }
        if self._certificate:
            certificate = str(self._certificate)
            files = {"GATEWAY_CERTIFICATE": certificate, "GATEWAY_CERTIFICATE_KEY": certificate}
            variables |= {"GATEWAY_TLS_LISTEN": f"127.0.0.1:{self.tls_port}", **files}
        return variables

    def command(self) -> Sequence[str | Path]:
        return [SERVE]

    def is_ready(self) -> bool:
        return accepts_connections(self.port)
