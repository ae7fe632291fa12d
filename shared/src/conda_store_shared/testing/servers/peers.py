"""Programs of others that tests in a browser talk to, as `make peers` installs them."""

from pathlib import Path

from conda_store_shared.testing.servers.process import ServerNotInstalled

PEERS = Path(__file__).parents[5] / ".cache" / "peers"


def find_peer(path: str, name: str) -> Path:
    """Something below the directory of peers; raises ServerNotInstalled."""
    found = PEERS / path
    if not found.exists():
        raise ServerNotInstalled(name, "what is in scripts/peers", command="make peers")
    return found
