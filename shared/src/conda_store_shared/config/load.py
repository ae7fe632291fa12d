"""Reads a configuration: file, then command line, the later winning."""

import argparse
from pathlib import Path
from typing import Any

from traitlets import TraitError
from traitlets.config import Config, Configurable
from traitlets.config.loader import ConfigFileNotFound, JSONFileConfigLoader, PyFileConfigLoader

from conda_store_shared.config.authentication import (
    Authentication,
    AuthenticationBackend,
    DummyAuthentication,
    RBACAuthorizationBackend,
)
from conda_store_shared.config.bus import Bus
from conda_store_shared.config.conda_store import CondaStore
from conda_store_shared.config.oauth import (
    GenericOAuthAuthentication,
    GithubOAuthAuthentication,
    JupyterHubOAuthAuthentication,
    OIDCAuthentication,
)
from conda_store_shared.config.server import CondaStoreServer
from conda_store_shared.config.storage import LocalStorage, S3Storage
from conda_store_shared.config.worker import CondaStoreWorker, Ledger
from conda_store_shared.errors import ConfigurationError

SECTIONS: tuple[type[Configurable], ...] = (
    CondaStore,
    CondaStoreServer,
    CondaStoreWorker,
    Ledger,
    Bus,
    LocalStorage,
    S3Storage,
    Authentication,
    DummyAuthentication,
    GenericOAuthAuthentication,
    GithubOAuthAuthentication,
    JupyterHubOAuthAuthentication,
    OIDCAuthentication,
    AuthenticationBackend,
    RBACAuthorizationBackend,
)

# What the code of a configuration file may raise, short of ending the process.
_BROKEN = (
    ArithmeticError, AttributeError, ImportError, LookupError, NameError, OSError, RuntimeError, SyntaxError,
    TypeError, ValueError,
)  # fmt: skip


def parser(program: str, description: str) -> argparse.ArgumentParser:
    """Return the parser every command starts from."""
    made = argparse.ArgumentParser(
        prog=program,
        description=description,
        epilog="Any option may be given as --Class.option=value, such as --CondaStoreServer.port=8081.",
    )
    made.add_argument("--config", metavar="FILE", help="configuration file: Python with `c` in scope, or JSON")
    return made


def load_config(arguments: argparse.Namespace, overrides: list[str]) -> Config:
    """Return the configuration of the file and of the overrides; raises ConfigurationError naming what is wrong."""
    config = _load_file(Path(arguments.config)) if arguments.config else Config()
    for override in overrides:
        _apply(config, override)
    for section in SECTIONS:
        try:
            section(config=config)
        except TraitError as error:
            raise ConfigurationError(f"Bad config encountered during initialization: {error}") from error
    return config


def _load_file(path: Path) -> Config:
    loader = JSONFileConfigLoader if path.suffix == ".json" else PyFileConfigLoader
    try:
        return Config(loader(path.name, path=str(path.parent)).load_config())
    except ConfigFileNotFound:
        raise ConfigurationError(f"Failed to find specified config file: {path}") from None
    except _BROKEN as error:
        raise ConfigurationError(f"{path}: {type(error).__name__}: {error}") from error


def _apply(config: Config, override: str) -> None:
    name, separator, text = override.removeprefix("--").partition("=")
    section, _, option = name.partition(".")
    if not override.startswith("--") or not separator or not option:
        raise ConfigurationError(f"unrecognized argument {override!r}; options are given as --Class.option=value")
    known = {kind.__name__: kind for kind in SECTIONS}
    trait = known[section].class_traits(config=True).get(option) if section in known else None
    if trait is None:
        raise ConfigurationError(f"unknown option {name}")
    try:
        config[section][option] = _from_text(trait, text)
    except (TraitError, ValueError) as error:
        raise ConfigurationError(f"Bad config encountered during initialization: {name}: {error}") from error


def _from_text(trait: Any, text: str) -> Any:
    if hasattr(trait, "from_string_list"):
        return trait.from_string_list([part for part in text.split(",") if part])
    return trait.from_string(text)
