"""Files written for conda-store load unchanged; what they say that we do not know is named (contract §5)."""

import argparse
import sys
from pathlib import Path

import pytest

from conda_store_shared.compat.names import NAMES
from conda_store_shared.compat.registry import Registry
from conda_store_shared.config.authentication import DummyAuthentication
from conda_store_shared.config.bus import Bus
from conda_store_shared.config.conda_store import CondaStore
from conda_store_shared.config.load import Configuration, load_config
from conda_store_shared.config.oauth import GenericOAuthAuthentication, JupyterHubOAuthAuthentication
from conda_store_shared.config.registry import ContainerRegistry
from conda_store_shared.config.sections import SECTIONS, options_of
from conda_store_shared.config.server import CondaStoreServer
from conda_store_shared.config.storage import S3Storage
from conda_store_shared.errors import ConfigurationError

FILE = """
import logging
from conda_store_server import schema
from conda_store_server.registry import ContainerRegistry
from conda_store_server.server.auth import GenericOAuthAuthentication, JupyterHubOAuthAuthentication
from conda_store_server.storage import S3Storage
from conda_store_server.utils import CondaStoreError
import conda_store_server.server.auth
import python_docker.registry

def validate(db, conda_store, namespace, action):
    if action == schema.Permissions.ENVIRONMENT_CREATE:
        raise CondaStoreError("not today")

def registry(url):
    return python_docker.registry.Registry(url, username="user", password="hidden")

class OurHub(conda_store_server.server.auth.JupyterHubOAuthAuthentication):
    pass

c.CondaStore.storage_class = S3Storage
c.CondaStore.validate_action = validate
c.CondaStore.build_artifacts = [schema.BuildArtifactType.YAML]
c.CondaStoreServer.log_level = logging.WARNING
c.CondaStoreServer.authentication_class = OurHub
c.JupyterHubOAuthAuthentication.jupyterhub_url = "https://hub"
c.OurHub.client_id = "service-conda-store"
c.ContainerRegistry.container_registries = {"https://registry": registry}
"""


def load(directory: Path, text: str, *overrides: str) -> Configuration:
    path = directory / "conda_store_config.py"
    path.write_text(text)
    return load_config(argparse.Namespace(config=str(path)), overrides)


def test_file_finds_the_names_it_imports(tmp_path: Path) -> None:
    loaded = load(tmp_path, FILE)
    store, server = CondaStore(config=loaded.config), CondaStoreServer(config=loaded.config)
    assert store.storage_class is S3Storage
    assert store.build_artifacts == ["YAML"]
    with pytest.raises(Exception, match="not today"):
        store.validate_action(db=None, conda_store=None, namespace="a", action="environment:create")
    assert server.log_level == 30
    hub = server.authentication_class(config=loaded.config)
    assert isinstance(hub, JupyterHubOAuthAuthentication)
    assert (hub.jupyterhub_url, hub.client_id) == ("https://hub", "service-conda-store")
    registry = ContainerRegistry(config=loaded.config).container_registries["https://registry"]("https://registry")
    assert isinstance(registry, Registry)
    assert "hidden" not in repr(registry)
    assert loaded.notes == []


def test_names_of_others_are_gone_when_the_file_is_read(tmp_path: Path) -> None:
    load(tmp_path, FILE)
    assert not [name for name in sys.modules if name.partition(".")[0] in ("conda_store_server", "python_docker")]
    with pytest.raises(ModuleNotFoundError):
        __import__("conda_store_server")


def test_every_name_of_others_stands_for_something_of_ours(tmp_path: Path) -> None:
    lines = [f"from {module} import {name}" for module, names in NAMES.items() for name in names]
    load(tmp_path, "\n".join([*lines, *(f"import {module}" for module in NAMES)]))


def test_class_may_be_named_by_its_old_place(tmp_path: Path) -> None:
    named = "conda_store_server.server.auth.DummyAuthentication"
    loaded = load(tmp_path, "", f"--CondaStoreServer.authentication_class={named}")
    assert CondaStoreServer(config=loaded.config).authentication_class is DummyAuthentication


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import conda_store_server.nothing", "conda_store_server.nothing has no counterpart here; known are"),
        ("from conda_store_server.storage import Minio", "known are LocalStorage, S3Storage, Storage"),
        ("c.CondaStore = 1", "must be Config instances: 'CondaStore', 1"),
        ("c.CondaStore.storage_class = 'conda_store_server.storage.Minio'", "CondaStore.storage_class="),
    ],
)
def test_refusal_says_which_names_there_are(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        load(tmp_path, text)
    assert message in raised.value.message


@pytest.mark.parametrize(
    ("section", "option", "value", "kind", "real"),
    [
        ("CondaStore", "storage_thresold", 7, CondaStore, "storage_threshold"),
        ("GenericOAuthAuthentication", "authorizie_url", "https://x", GenericOAuthAuthentication, "authorize_url"),
        ("GenericOauthAuthentication", "client_id", "x", GenericOAuthAuthentication, "client_id"),
        ("GithubOAuthAuthentication", "jupyterhub_url", "https://x", JupyterHubOAuthAuthentication, "jupyterhub_url"),
        ("CondaStoreServer", "template", "/x", CondaStoreServer, "templates"),
    ],
)
def test_names_once_misspelt_are_understood(
    tmp_path: Path, section: str, option: str, value: object, kind: type[CondaStore], real: str
) -> None:
    loaded = load(tmp_path, f"c.{section}.{option} = {value!r}")
    assert getattr(kind(config=loaded.config), real) == value
    (note,) = loaded.notes
    assert f"{section}.{option} is called" in note


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("c.CondaStoreServer.prot = 1", "unknown option CondaStoreServer.prot; did you mean port?; it has no effect"),
        ("c.CondaStoreServr.port = 1", "there is no class CondaStoreServr; did you mean CondaStoreServer?"),
        ("c.S3Storage.secure = False", "S3Storage.secure; did you mean external_secure or internal_secure?"),
        ("c.CondaStore.behind_proxy = True", "unknown option CondaStore.behind_proxy; CondaStoreServer have it"),
        ("c.JupyterHub.port = 1", "unknown option JupyterHub.port: there is no class JupyterHub"),
        ("c.CondaStore.redis_url = 'redis://x'", "CondaStore.redis_url has no effect: there is no Redis any more"),
        ("c.CondaStoreServer.secret_key = 'x'", "CondaStoreServer.secret_key has no effect"),
    ],
)
def test_file_is_told_what_has_no_effect(tmp_path: Path, text: str, message: str) -> None:
    loaded = load(tmp_path, text)
    (note,) = loaded.notes
    assert message in note
    assert "conda_store_config.py: " in note


def test_every_option_that_is_gone_says_what_replaces_it(tmp_path: Path) -> None:
    gone = {
        f"{section.__name__}.{name}": trait
        for section in SECTIONS
        for name, trait in options_of(section).items()
        if "gone" in trait.metadata
    }
    assert {"CondaStore.redis_url", "CondaStore.celery_results_backend", "CondaStore.serialize_builds"} < set(gone)
    for name, trait in gone.items():
        loaded = load(tmp_path, f"c.{name} = {trait.default()!r}")
        (note,) = loaded.notes
        assert f"{name} has no effect: {trait.metadata['gone']}" in note


@pytest.mark.parametrize("option", ["redis_url", "celery_broker_url", "celery_results_backend"])
def test_addresses_of_celery_do_not_change_the_bus(tmp_path: Path, option: str) -> None:
    loaded = load(tmp_path, f"c.CondaStore.{option} = 'redis://:hidden@redis:6379/0'")
    assert Bus(config=loaded.config).url == ""
    (note,) = loaded.notes
    assert "RabbitMQ" in note or "database" in note
    assert "hidden" not in note


def test_broker_of_celery_is_used_when_it_is_ours_and_no_other_is_named(tmp_path: Path) -> None:
    file = "c.CondaStore.celery_broker_url = 'amqp://rabbit'"
    loaded = load(tmp_path, file)
    assert Bus(config=loaded.config).url == "amqp://rabbit"
    assert loaded.notes == ["CondaStore.celery_broker_url names RabbitMQ and is used as Bus.url, which is not set"]
    loaded = load(tmp_path, file, "--Bus.url=amqp://other")
    assert Bus(config=loaded.config).url == "amqp://other"
    assert loaded.notes == ["CondaStore.celery_broker_url has no effect: Bus.url is set"]
