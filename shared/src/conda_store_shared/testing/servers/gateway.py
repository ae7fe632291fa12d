"""The gateway: nginx with the configuration that is deployed, in front of services on loopback ports."""

import os
import string
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from conda_store_shared.testing.servers.process import ServerProcess, accepts_connections, find_program, free_port

PACKAGE = "nginx-light"
TEMPLATE = Path(__file__).parents[5] / "deploy" / "gateway" / "nginx.conf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstreams:
    """The loopback ports of the services behind the gateway, and the prefix they serve below."""

    api: int
    auth: int
    artifacts: int
    prefix: str = ""


class Gateway(ServerProcess):
    """nginx on one loopback port, routing by path to the services."""

    name = "gateway"

    def __init__(self, upstreams: Upstreams, *, template: Path = TEMPLATE) -> None:
        self.program = find_program("nginx", PACKAGE, "/usr/sbin", "/usr/local/sbin")
        super().__init__()
        self.upstreams = upstreams
        self.template = template
        self.port = free_port()

    @property
    def url(self) -> str:
        """The public address, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    def prepare(self) -> None:
        variables = {
            "GATEWAY_LISTEN": f"127.0.0.1:{self.port}",
            "GATEWAY_DIRECTORY": str(self.directory),
            "GATEWAY_PREFIX": self.upstreams.prefix,
            "API_UPSTREAM": f"127.0.0.1:{self.upstreams.api}",
            "AUTH_UPSTREAM": f"127.0.0.1:{self.upstreams.auth}",
            "ARTIFACTS_UPSTREAM": f"127.0.0.1:{self.upstreams.artifacts}",
        }
        # nginx has $variables of its own, which must stay: only the names above are replaced.
        text = string.Template(self.template.read_text()).safe_substitute(variables)
        (self.directory / "nginx.conf").write_text(text)

    def command(self) -> Sequence[str | Path]:
        # Started by root, the workers would become an account that cannot enter the directory.
        account = " user root;" if os.geteuid() == 0 else ""
        return [self.program, "-c", self.directory / "nginx.conf", "-p", self.directory, "-g", f"daemon off;{account}"]

    def is_ready(self) -> bool:
        return accepts_connections(self.port)
