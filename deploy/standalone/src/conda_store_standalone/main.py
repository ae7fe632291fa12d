"""The commands ``conda-store-server`` and ``conda-store-worker`` (design §2)."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from traitlets.config import Config

from conda_store_shared.assembly.process import Assemble, execute, run_process
from conda_store_shared.config.authentication import AuthenticationBackend
from conda_store_shared.config.command_line import parser
from conda_store_shared.config.conda_store import CondaStore
from conda_store_shared.config.load import Configuration, load_config
from conda_store_shared.config.server import CondaStoreServer
from conda_store_standalone.composition import assemble_server, assemble_standalone, assemble_worker

LOOPBACK = "127.0.0.1"


def complete_standalone(config: Config) -> None:
    """Complete a configuration for one process: loopback, and secrets kept beside the data."""
    if not CondaStoreServer(config=config).address:
        config.CondaStoreServer.address = LOOPBACK
    directory = Path(CondaStore(config=config).store_directory).absolute().parent
    if not AuthenticationBackend(config=config).secret:
        config.AuthenticationBackend.secret = kept_secret(directory / "secret")
    if not CondaStore(config=config).signing_key:
        config.CondaStore.signing_key = kept_secret(directory / "signing-key.pem", make_signing_key)


def make_secret() -> str:
    """Return what signs tokens."""
    return secrets.token_hex(32)


def make_signing_key() -> str:
    """Return a private key in PEM that signs provenance."""
    made = Ed25519PrivateKey.generate()
    return made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def kept_secret(path: Path, make: Callable[[], str] = make_secret) -> str:
    """Return the secret kept at ``path``; when there is none one is made, readable by its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(make())
        draft.rename(path)
    return path.read_text().strip()


def server() -> None:
    """Run the command ``conda-store-server``."""
    _run(
        "conda-store-server",
        "conda-store: REST API, login and downloads; with --standalone everything in one process.",
        assemble_server,
    )


def worker() -> None:
    """Run the command ``conda-store-worker``."""
    _run(
        "conda-store-worker",
        "conda-store: solves, builds and packs what a server asks for over the message broker.",
        assemble_worker,
    )


def _run(name: str, description: str, assemble: Assemble) -> None:
    made = parser(name, description, "conda-store-standalone")
    made.add_argument("--standalone", action="store_true", help="run everything in this one process, without a broker")
    arguments, overrides = made.parse_known_args()
    standalone = arguments.standalone and assemble is assemble_server

    def load() -> Configuration:
        loaded = load_config(arguments, overrides)
        if standalone and not arguments.show_config:
            complete_standalone(loaded.config)
        return loaded

    async def run(config: Config) -> None:
        async with (assemble_standalone if standalone else assemble)(config) as process:
            await run_process(process, config)

    execute(name, arguments, load, run)
