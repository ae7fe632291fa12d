"""RabbitMQ: one broker per run with an epmd of its own, and a virtual host per test."""

import base64
import contextlib
import http.client
import itertools
import json
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from conda_store_shared.testing.servers.process import (
    CHILD_END_TIMEOUT,
    ServerNotReady,
    ServerProcess,
    accepts_connections,
    dismiss,
    find_program,
    free_port,
    guard,
    wait_until,
)

PACKAGE = "rabbitmq-server"
PLACES = ("/usr/lib/rabbitmq/bin",)
ACCOUNT = "guest"
MANAGEMENT_PORT = 15672
HTTP_TIMEOUT = 20.0
DEPLOYED = Path(__file__).parents[5] / "deploy" / "rabbitmq"
# Those of make_definitions.sh: the services, people, and programs that watch or take public events.
USERS = ("api", "auth", "solver", "builder", "artifacts", "operator", "watcher", "events")
AMQP_GREETING = b"AMQP\x00\x00\x09\x01"

# Two schedulers that sleep when idle: tests share the machine with the broker.
ERLANG_FLAGS = "-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none"
CONFIGURATION = """\
listeners.tcp.1 = 127.0.0.1:{port}
num_acceptors.tcp = 2
log.file = false
log.console = true
log.console.level = warning
vm_memory_high_watermark.absolute = 1GB
disk_free_limit.absolute = 50MB
management.tcp.ip = 127.0.0.1
management.tcp.port = {management_port}
management_agent.disable_metrics_collector = true
"""


def password_of(user: str) -> str:
    """The password that a deployed user has in tests."""
    return f"password-of-{user}"


def definitions_for(vhost: str) -> Mapping[str, Any]:
    """What `make_definitions.sh` says, for a virtual host of this name."""
    with tempfile.TemporaryDirectory() as directory:
        for user in USERS:
            (Path(directory) / f"rabbitmq_{user}").write_text(f"{password_of(user)}\n")
        made = subprocess.run([DEPLOYED / "make_definitions.sh", directory], check=True, capture_output=True).stdout
    definitions: dict[str, Any] = json.loads(made)
    for kind in ("permissions", "topic_permissions", "exchanges", "policies"):
        definitions[kind] = [{**one, "vhost": vhost} for one in definitions[kind]]
    definitions["vhosts"] = [{"name": vhost}]
    return definitions


class VirtualHosts:
    """Creates and deletes virtual hosts on a running broker, by its management API."""

    def __init__(self, amqp_url: str, management_url: str) -> None:
        """Both URLs carry the same account, an administrator's; the path of `amqp_url` is ignored."""
        self._amqp = urlsplit(amqp_url)
        self._management = urlsplit(management_url)
        run = secrets.token_hex(4)
        self._names = (f"test-{run}-{number}" for number in itertools.count(1))
        self.vhosts: list[str] = []
        self._definitions: dict[str, Mapping[str, object]] = {}

    @property
    def amqp_address(self) -> str:
        """The broker's URL without a virtual host."""
        return urlunsplit(self._amqp._replace(path=""))

    @property
    def management_address(self) -> str:
        """The management API's URL, without an account."""
        return urlunsplit(self._management._replace(netloc=self._management.netloc.rpartition("@")[2]))

    def create_vhost(self) -> str:
        """Make an empty virtual host, in some 30 ms, and return its AMQP URL."""
        name = next(self._names)
        self._request("PUT", name)
        self.vhosts.append(name)
        return urlunsplit(self._amqp._replace(path=f"/{quote(name, safe='')}"))

    def delete_vhost(self, url: str) -> None:
        """Remove a virtual host with its queues; connections to it are closed by the broker."""
        name = unquote(urlsplit(url).path.lstrip("/"))
        self._request("DELETE", name)
        self.vhosts.remove(name)
        self._definitions.pop(name, None)

    def empty_vhost(self, url: str) -> None:
        """Make a virtual host anew, with nothing in it; connections to it are closed by the broker."""
        name = unquote(urlsplit(url).path.lstrip("/"))
        self._request("DELETE", name)
        self._request("PUT", name)

    def recreate_vhosts(self) -> None:
        """Make every virtual host again that a broker has lost with its data."""
        for name in self.vhosts:
            self._request("PUT", name)
        for definitions in self._definitions.values():
            self._ask("POST", "definitions", definitions)

    def narrow(self, url: str) -> Mapping[str, str]:
        """Load the users and permissions that are deployed into a virtual host; return the URL of each user."""
        parts = urlsplit(url)
        vhost = unquote(parts.path.lstrip("/"))
        self._definitions[vhost] = definitions_for(vhost)
        self._ask("POST", "definitions", self._definitions[vhost])
        place = parts.netloc.rpartition("@")[2]
        return {user: urlunsplit(parts._replace(netloc=f"{user}:{password_of(user)}@{place}")) for user in USERS}

    def with_password(self, url: str, password: str) -> str:
        """Make an account of its own, with ``password``, for a virtual host; return the URL with it."""
        parts = urlsplit(url)
        vhost = unquote(parts.path.lstrip("/"))
        self._ask("PUT", f"users/{vhost}", {"password": password, "tags": ""})
        rights = {"configure": ".*", "write": ".*", "read": ".*"}
        self._ask("PUT", f"permissions/{quote(vhost, safe='')}/{vhost}", rights)
        account = f"{vhost}:{quote(password, safe='')}"
        return urlunsplit(parts._replace(netloc=f"{account}@{parts.netloc.rpartition('@')[2]}"))

    def _request(self, method: str, vhost: str) -> None:
        self._ask(method, f"vhosts/{quote(vhost, safe='')}", {})

    def _ask(self, method: str, path: str, body: Mapping[str, object]) -> None:
        address = self._management
        connection = http.client.HTTPConnection(address.netloc.rpartition("@")[2], timeout=HTTP_TIMEOUT)
        token = base64.b64encode(f"{address.username}:{address.password}".encode()).decode()
        headers = {"Authorization": f"Basic {token}", "Content-Type": "application/json"}
        with contextlib.closing(connection):
            connection.request(method, f"/api/{path}", body=json.dumps(body).encode(), headers=headers)
            status = connection.getresponse().status
        if status >= http.client.BAD_REQUEST:
            raise ServerNotReady(f"RabbitMQ answered {status} to {method} of {path}")


class ExternalRabbitMQ(VirtualHosts):
    """A broker that somebody else runs, with the management plugin on `management_port` of the same host."""

    def __init__(self, url: str, *, management_port: int = MANAGEMENT_PORT) -> None:
        parts = urlsplit(url)
        account = f"{parts.username or ACCOUNT}:{parts.password or ACCOUNT}"
        netloc = f"{parts.hostname}:{management_port}"
        super().__init__(url, f"http://{account}@{netloc}")


class RabbitMQ(ServerProcess, VirtualHosts):
    """A broker on loopback ports.

    A quorum queue declared less than about a second before `kill` never works again (RabbitMQ 3.10):
    wait two seconds after declaring before killing.
    """

    name = "rabbitmq"

    def __init__(self, *, consumer_timeout: float | None = None, conf: Mapping[str, str] | None = None) -> None:
        """`consumer_timeout` is in seconds; `conf` holds further lines of rabbitmq.conf."""
        self.program = find_program("rabbitmq-server", PACKAGE, *PLACES)
        self.epmd_program = find_program("epmd", "erlang-base")
        ServerProcess.__init__(self)
        self.port, self.management_port, self.epmd_port, self._peer_port = (free_port() for _ in range(4))
        account = f"{ACCOUNT}:{ACCOUNT}@127.0.0.1"
        VirtualHosts.__init__(self, f"amqp://{account}:{self.port}", f"http://{account}:{self.management_port}")
        timeout = {} if consumer_timeout is None else {"consumer_timeout": str(int(consumer_timeout * 1000))}
        self.conf = {**timeout, **(conf or {})}
        self.data = self.directory / "mnesia"
        self._epmd: subprocess.Popen[bytes] | None = None
        self._epmd_guard: subprocess.Popen[bytes] | None = None

    def wipe(self) -> None:
        """Kill the broker, delete its data, start it with the same virtual hosts, all empty."""
        self.kill()
        shutil.rmtree(self.data)
        self.start()
        self.recreate_vhosts()

    def prepare(self) -> None:
        lines = [f"{name} = {value}\n" for name, value in self.conf.items()]
        basic = CONFIGURATION.format(port=self.port, management_port=self.management_port)
        (self.directory / "rabbitmq.conf").write_text(basic + "".join(lines))
        (self.directory / "enabled_plugins").write_text("[rabbitmq_management].")
        cookie = self.directory / ".erlang.cookie"
        if not cookie.exists():
            cookie.write_text(secrets.token_hex(16))
            cookie.chmod(0o400)
        self._start_epmd()

    def command(self) -> Sequence[str | Path]:
        return [self.program]

    def environment(self) -> dict[str, str]:
        directory = self.directory
        return {
            "HOME": str(directory),
            "LANG": "C.UTF-8",
            "ERL_EPMD_PORT": str(self.epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_NODENAME": f"test{self.port}@localhost",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_DIST_PORT": str(self._peer_port),
            "RABBITMQ_MNESIA_BASE": str(self.data),
            "RABBITMQ_LOG_BASE": str(directory / "log"),
            "RABBITMQ_CONFIG_FILE": str(directory / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(directory / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "enabled_plugins"),
            "RABBITMQ_PID_FILE": str(directory / "pid"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(directory / "config"),
            "RABBITMQ_SCHEMA_DIR": str(directory / "schema"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": ERLANG_FLAGS,
        }

    def is_ready(self) -> bool:
        return self._speaks_amqp() and accepts_connections(self.management_port)

    def discard(self) -> None:
        super().discard()
        dismiss(self._epmd_guard)
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait(timeout=CHILD_END_TIMEOUT)
            self._epmd = None

    def _start_epmd(self) -> None:
        # Without one of ours, Erlang leaves a daemon behind which listens on every interface.
        if self._epmd is not None and self._epmd.poll() is None:
            return
        self._epmd = subprocess.Popen(
            [self.epmd_program, "-address", "127.0.0.1", "-port", str(self.epmd_port)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._epmd_guard = guard(self._epmd.pid, self.directory)
        if not wait_until(lambda: accepts_connections(self.epmd_port), CHILD_END_TIMEOUT):
            raise ServerNotReady("epmd did not answer")

    def _speaks_amqp(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1) as probe:
            probe.sendall(AMQP_GREETING)
            return bool(probe.recv(1))
        return False
