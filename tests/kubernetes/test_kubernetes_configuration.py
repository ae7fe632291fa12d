"""The one configuration file, and the secrets and addresses that it wants."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from traitlets.config import Config

import conda_store_api.config
import conda_store_artifacts.config
import conda_store_auth.config
import conda_store_builder.config
import conda_store_solver.config
from conda_store_shared.assembly.database import open_database
from conda_store_shared.assembly.message_bus import open_bus
from conda_store_shared.contracts.topology import SERVICES
from tests.kubernetes.configuration import VALUES, addresses, load, mounted, read
from tests.kubernetes.manifests import CONFIGURATION, DIRECTORY, LAYOUTS, ROOT, Layout

READERS: Mapping[str, tuple[Callable[[Config], Any], ...]] = {
    "api": (conda_store_api.config.read_options,),
    "auth": (conda_store_auth.config.read_options,),
    "solver": (conda_store_solver.config.read_options,),
    "builder": (conda_store_builder.config.read_options,),
    "artifacts": (conda_store_artifacts.config.read_options, conda_store_artifacts.config.read_download_options),
}
HAS_DATABASE = ("api", "auth", "artifacts")


def test_every_option_of_the_file_is_known_and_has_an_effect() -> None:
    assert read(set(VALUES)).notes == []


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_starts_with_the_secrets_that_its_pod_mounts(service: str) -> None:
    config = load(service)
    for reader in READERS[service]:
        reader(config)
    open_bus(config, service)
    if service in HAS_DATABASE:
        open_database(config, service)
        assert config.AuthenticationBackend.secret == VALUES["token_secret"]
    if service != "auth":
        assert config.S3Storage.secret_key == VALUES["s3_secret_key"]


def test_each_secret_that_is_mounted_is_read_and_each_that_is_read_is_mounted(layout: Layout) -> None:
    files = {file for service in SERVICES for file in mounted(layout, service)}
    assert files == set(VALUES)
    assert {name for name in VALUES if f'"{name}"' in CONFIGURATION.read_text()} == files


def test_no_service_sees_the_secrets_of_another(layout: Layout) -> None:
    for service in SERVICES:
        assert set(mounted(layout, service).values()) == {f"conda-store-{service}"}


def test_no_secret_is_in_a_variable_or_an_argument(layout: Layout) -> None:
    for container in layout.containers().values():
        assert not any("secret" in str(entry).lower() for entry in container.get("env", ()))
        assert not any("secretRef" in source for source in container.get("envFrom", ()))
        assert not any("://" in argument for argument in container.get("args", ()))


def test_configuration_is_the_files(layout: Layout) -> None:
    assert layout.data("configuration") == {CONFIGURATION.name: CONFIGURATION.read_text()}


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_layout_has_an_address_for_all_that_the_file_asks_for(layouts: dict[str, Layout], name: str) -> None:
    found = layouts[name].data("addresses")
    asked = set(re.findall(r'os\.environ\["(\w+)"\]', CONFIGURATION.read_text()))
    assert asked == set(found) == set(addresses())
    assert (DIRECTORY / "overlays" / name / "addresses.env").exists()


def test_page_makes_each_secret_with_the_keys_that_are_mounted(layout: Layout) -> None:
    page = (ROOT / "docs" / "how-to" / "kubernetes.md").read_text()
    made = {}
    for command in re.findall(r"create secret generic (.+?)(?<!\\)\n", page, re.DOTALL):
        made[command.split()[0]] = set(re.findall(r"--from-(?:file|literal)=(\w+)", command))
    wanted: dict[str, set[str]] = {}
    for name in layout.pods():
        for file, secret in mounted(layout, name).items() if name != "gateway" else ():
            key = "database_url" if file.startswith("database_url") else file
            wanted.setdefault(secret, set()).add(key)
    assert {name: keys for name, keys in made.items() if name != "conda-store-scaler"} == wanted
    assert made["conda-store-scaler"] == {"host"}
