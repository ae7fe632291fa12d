"""An OpenID Connect provider: npm's oidc-provider, conforming, with PKCE required and a claim of groups."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from conda_store_shared.testing.servers.peers import find_peer
from conda_store_shared.testing.servers.process import ServerProcess, accepts_connections, find_program, free_port

CLIENT_ID = "store"
CLIENT_SECRET = "a-secret-that-only-tests-ever-use-oidc-0123456789"
SCRIPT = Path(__file__).with_name("oidc_provider.mjs")


class OidcServer(ServerProcess):
    """Any name logs in with any password; `groups` are those of each name.  Every start makes new keys."""

    name = "oidc"

    def __init__(self, groups: Mapping[str, Sequence[str]], *, claims_in_id_token: bool = False) -> None:
        """`claims_in_id_token` puts all claims there; by the standard only `userinfo` tells more than `sub`."""
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.groups = groups
        self.claims_in_id_token = claims_in_id_token
        self.callback_url = "http://127.0.0.1/oauth_callback/"
        self._node = find_program("node", "nodejs")
        self._library = find_peer("node_modules/oidc-provider/lib/index.js", "oidc-provider")
        super().__init__()

    def prepare(self) -> None:
        super().prepare()
        client = {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "redirect_uris": [self.callback_url],
        }
        told = {
            "port": self.port,
            "issuer": self.issuer,
            "client": client,
            "groups": self.groups,
            "claimsInIdToken": self.claims_in_id_token,
        }
        (self.directory / "configuration.json").write_text(json.dumps(told))

    def command(self) -> Sequence[str | Path]:
        return [self._node, SCRIPT, self.directory / "configuration.json", self._library]

    def is_ready(self) -> bool:
        return accepts_connections(self.port)
