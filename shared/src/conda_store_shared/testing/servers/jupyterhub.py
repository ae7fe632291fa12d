"""JupyterHub, from an environment of its own, as the OAuth provider of a service called `store`."""

import http.client
from collections.abc import Mapping, Sequence
from pathlib import Path

from conda_store_shared.testing.servers.peers import find_peer
from conda_store_shared.testing.servers.process import ServerProcess, find_program, free_port

CLIENT_ID = "service-store"
CLIENT_SECRET = "a-secret-that-only-tests-ever-use-hub-0123456789"
PASSWORD = "tulip"

_CONFIGURATION = """
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{hub_port}"
c.JupyterHub.db_url = "sqlite:///hub.sqlite"
c.JupyterHub.cookie_secret_file = "cookie_secret"
c.ConfigurableHTTPProxy.command = {proxy!r}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_port}"
c.ConfigurableHTTPProxy.pid_file = "proxy.pid"
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = {password!r}
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.JupyterHub.load_groups = {groups!r}
c.JupyterHub.services = [
    {{
        "name": "store",
        "api_token": {secret!r},
        "oauth_client_id": {client!r},
        "oauth_redirect_uri": {callback!r},
        "oauth_client_allowed_scopes": ["read:users!user"],
    }}
]
c.JupyterHub.load_roles = [{{"name": "user", "scopes": ["self", "access:services!service=store"]}}]
"""


class JupyterHub(ServerProcess):
    """Any name logs in with the one password; `groups` are the names in each group."""

    name = "jupyterhub"

    def __init__(self, groups: Mapping[str, Sequence[str]]) -> None:
        self.port, self._hub_port, self._proxy_port = (free_port() for _ in range(3))
        self.url = f"http://127.0.0.1:{self.port}"
        self.groups = groups
        self.callback_url = "http://127.0.0.1/oauth_callback/"
        self._program = find_peer("jupyterhub/bin/jupyterhub", "JupyterHub")
        proxy = find_peer("node_modules/.bin/configurable-http-proxy", "configurable-http-proxy")
        self._proxy = [str(find_program("node", "nodejs")), str(proxy)]
        super().__init__()

    def prepare(self) -> None:
        super().prepare()
        text = _CONFIGURATION.format(
            port=self.port,
            hub_port=self._hub_port,
            proxy_port=self._proxy_port,
            proxy=self._proxy,
            password=PASSWORD,
            groups={name: {"users": list(users)} for name, users in self.groups.items()},
            secret=CLIENT_SECRET,
            client=CLIENT_ID,
            callback=self.callback_url,
        )
        (self.directory / "jupyterhub_config.py").write_text(text)

    def command(self) -> Sequence[str | Path]:
        return [self._program, "--config", self.directory / "jupyterhub_config.py"]

    def is_ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/hub/health")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
