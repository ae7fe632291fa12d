"""The configuration file of the ConfigMap, as each service finds it."""

import argparse
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from traitlets.config import Config

from conda_store_shared.config.load import Configuration, load_config
from tests.kubernetes.manifests import BASE, CONFIGURATION, DIRECTORY, Layout, secret_keys
from tests.kubernetes.tools import render

SECRETS = "/run/secrets"
VALUES = {
    "bus_url": "amqp://user:word@rabbitmq.example:5672/conda-store",
    "database_url": "postgresql://user:word@postgres.example:5432/conda_store",
    "login_password": "a password of many words",
    "signing_key": "a key",
    "s3_access_key": "AKIAEXAMPLE",
    "s3_secret_key": "a secret",
    "token_secret": "0123456789abcdef0123456789abcdef",
}


def mounted(layout: Layout, name: str) -> dict[str, str]:
    """The files below `/run/secrets` of a pod, each with the secret that it is of."""
    volumes = {volume["name"]: volume for volume in layout.pods()[name]["spec"]["volumes"]}
    mounts = {mount["name"]: mount for mount in layout.containers()[name]["volumeMounts"]}
    found = {}
    for volume_name, volume in volumes.items():
        for secret, _key, path in secret_keys(volume):
            assert mounts[volume_name]["mountPath"] == SECRETS
            found[path] = secret
    return found


def addresses() -> dict[str, str]:
    """The variables of the file of addresses."""
    lines = (BASE / "addresses.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))


@contextmanager
def variables(values: dict[str, str]) -> Iterator[None]:
    """Set environment variables, for as long as it takes to read the file."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def read(names: set[str]) -> Configuration:
    """Load the file where only the named secrets are mounted."""
    with tempfile.TemporaryDirectory() as directory, variables(addresses()):
        for name in names:
            Path(directory, name).write_text(VALUES[name])
        file = Path(directory, CONFIGURATION.name)
        file.write_text(CONFIGURATION.read_text().replace(SECRETS, directory))
        return load_config(argparse.Namespace(config=str(file)), [], environment={})


@cache
def load(service: str) -> Config:
    """The configuration of a service, with the secrets that its pod mounts."""
    return read(set(mounted(_base(), service))).config


@cache
def _base() -> Layout:
    return Layout.of(render(DIRECTORY / "base"))
