"""A configuration can be written, and shown with where each value comes from; secrets are seen by nobody."""

import argparse
import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from traitlets.config import Config

from conda_store_shared.assembly.message_bus import bus_options
from conda_store_shared.config.authentication import AuthenticationBackend
from conda_store_shared.config.bus import Bus
from conda_store_shared.config.describe import generated_config, shown_config
from conda_store_shared.config.load import Configuration, load_config
from conda_store_shared.config.sections import SECTIONS, is_secret, options_of
from conda_store_shared.config.server import CondaStoreServer
from conda_store_shared.config.worker import CondaStoreWorker
from conda_store_shared.errors import ConfigurationError

CANARY = "canary-9f3b"
# By default value: what is no text stands there as JSON.
_STANDING_ELSEWHERE = {"{}": '{"https://x": "y"}', "[]": '["y"]'}


def load(path: Path, *overrides: str, environment: Mapping[str, str] = os.environ) -> Configuration:
    return load_config(argparse.Namespace(config=str(path)), overrides, environment)


def written(directory: Path, text: str, name: str = "conda_store_config.py") -> Path:
    path = directory / name
    path.write_text(text)
    return path


def test_written_file_has_every_option_and_changes_nothing(tmp_path: Path) -> None:
    text = generated_config()
    for section in SECTIONS:
        for name in section.class_own_traits(config=True):
            assert f"\n# c.{section.__name__}.{name} = " in text
    loaded = load(written(tmp_path, text))
    assert (loaded.origins, loaded.notes) == ({}, [])


def test_written_file_loads_when_its_plain_options_are_given(tmp_path: Path) -> None:
    lines = [line.removeprefix("# ") for line in generated_config().splitlines() if line.startswith("# c.")]
    plain = [line for line in lines if " = conda_store" not in line and ": {" not in line]
    assert len(plain) > 100
    loaded = load(written(tmp_path, "\n".join(plain)))
    assert all("has no effect: " in note for note in loaded.notes)


def test_each_value_is_shown_with_its_origin(tmp_path: Path) -> None:
    written(tmp_path, '{"CondaStoreServer": {"port": 1, "max_page_size": 7}}', "conda_store_config.json")
    file = written(tmp_path, "c.CondaStoreServer.port = 2\nc.CondaStore.default_namespace = 'x'\n")
    shown = shown_config(load(file, "--CondaStore.default_namespace=y", "--CondaStore.redis_url=redis://x"))
    origins = {line.partition(" # ")[0].strip(): line.partition(" # ")[2] for line in shown.splitlines()}
    assert origins["CondaStoreServer.port = 2"] == str(file)
    assert origins["CondaStoreServer.max_page_size = 7"] == str(file.with_suffix(".json"))
    assert origins["CondaStore.default_namespace = 'y'"] == "command line"
    assert origins["CondaStoreServer.url_prefix = '/'"] == "default"
    assert "# NOTE: command line: CondaStore.redis_url has no effect" in shown


def test_function_of_the_file_is_shown_by_its_name(tmp_path: Path) -> None:
    text = "def check(action):\n    pass\n\nc.CondaStore.validate_action = check"
    assert "CondaStore.validate_action = check " in shown_config(load(written(tmp_path, text)))


def test_secrets_are_masked_wherever_they_come_from(tmp_path: Path) -> None:
    held = written(tmp_path, CANARY, "secret")
    text = [
        f"c.AuthenticationBackend.secret_file = {str(held)!r}",
        f"c.AuthenticationBackend.predefined_tokens = {{{CANARY!r}: {{}}}}",
        f"c.CondaStore.database_url = 'postgresql://user:{CANARY}@host/name'",
        f"c.CondaStore.redis_url = 'redis://:{CANARY}@host'",
        "c.S3Storage.secret_key = 'env:CANARY'",
        f"c.Bus.url = 'amqp://user:{CANARY}@host'",
        f"c.GithubOAuthAuthentication.client_secret = {CANARY!r}",
        f"c.CondaStoreWorker.channel_credentials = {{'https://x': {CANARY!r}}}",
        f"c.DummyAuthentication.password = {CANARY!r}",
        f"c.S3Storage.credentials_args = [{CANARY!r}]",
    ]
    loaded = load(written(tmp_path, "\n".join(text)), environment={"CANARY": CANARY})
    shown = shown_config(loaded)
    assert CANARY not in shown
    assert "CondaStore.database_url = 'postgresql://user:******@host/name'" in shown
    assert f"  # {tmp_path}/conda_store_config.py, from the file {held}" in shown
    assert AuthenticationBackend(config=loaded.config).secret == CANARY


@pytest.mark.parametrize("given", ["file", "variable"])
def test_every_secret_may_stand_elsewhere(tmp_path: Path, given: str) -> None:
    for section in SECTIONS:
        for name, trait in options_of(section).items():
            # Functions stand in no file.
            if not is_secret(trait) or "gone" in trait.metadata or name == "container_registries":
                continue
            value = _STANDING_ELSEWHERE.get(trait.default_value_repr(), CANARY)
            held = written(tmp_path, f"{value}\n", "secret")
            option = f"{name}_file = {str(held)!r}" if given == "file" else f"{name} = 'env:SECRET'"
            loaded = load(written(tmp_path, f"c.{section.__name__}.{option}"), environment={"SECRET": value})
            expected = CANARY if value is CANARY else json.loads(value)
            assert loaded.config[section.__name__] == {name: expected}, option


def test_later_of_a_secret_and_its_file_counts(tmp_path: Path) -> None:
    held = written(tmp_path, "amqp://file", "url")
    file = written(tmp_path, f"c.Bus.url_file = {str(held)!r}")
    assert Bus(config=load(file).config).url == "amqp://file"
    assert Bus(config=load(file, "--Bus.url=amqp://line").config).url == "amqp://line"
    assert (
        Bus(config=load(written(tmp_path, "c.Bus.url = 'amqp://x'"), f"--Bus.url_file={held}").config).url
        == "amqp://file"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("c.Bus.url_file = '/no/such/file'", "Bus.url_file: /no/such/file cannot be read: No such file or directory"),
        ("c.Bus.url = 'env:NO_SUCH_VARIABLE'", "Bus.url: the environment variable NO_SUCH_VARIABLE is not set"),
        ("c.Bus.url = 'amqp://x'; c.Bus.url_file = '/x'", "are the same; set one of them"),
        ("c.CondaStoreWorker.channel_credentials = 'env:HOME'", "CondaStoreWorker.channel_credentials: it is no JSON"),
    ],
)
def test_secret_that_cannot_be_had_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        load(written(tmp_path, text))
    assert message in raised.value.message
    assert os.environ["HOME"] not in raised.value.message


def test_secret_inside_a_mapping_may_stand_elsewhere(tmp_path: Path) -> None:
    held = written(tmp_path, f"{CANARY}\n", "secret")
    entries = {
        "one": {"address": "https://one", "token": "env:CANARY"},
        "two": {"address": "https://two", "username": "me", "password_file": str(held)},
        "https://three": "env:CANARY",
    }
    text = f"c.CondaStoreWorker.channel_credentials = {entries!r}"
    loaded = load(written(tmp_path, text), environment={"CANARY": CANARY})
    expected = {
        "one": {"address": "https://one", "token": CANARY},
        "two": {"address": "https://two", "username": "me", "password": CANARY},
        "https://three": {"address": "https://three", "authorization": CANARY},
    }
    assert CondaStoreWorker(config=loaded.config).channel_credentials == expected
    assert CANARY not in shown_config(loaded)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"token": "env:NONE"}, "CondaStoreWorker.channel_credentials: the environment variable NONE is not set"),
        ({"token_file": "/none"}, "channel_credentials: token_file: /none cannot be read: No such file or directory"),
    ],
)
def test_secret_inside_a_mapping_that_cannot_be_had_is_refused(
    tmp_path: Path, entry: dict[str, str], message: str
) -> None:
    entries = {CANARY: {"address": "https://x", **entry}}
    with pytest.raises(ConfigurationError) as raised:
        load(written(tmp_path, f"c.CondaStoreWorker.channel_credentials = {entries!r}"), environment={})
    assert message in raised.value.message
    assert CANARY not in raised.value.message


@pytest.mark.parametrize("option", ["CondaStoreWorker.channel_credentials", "S3Storage.secret_key", "Bus.url"])
def test_secret_of_the_wrong_type_is_not_told(tmp_path: Path, option: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        load(written(tmp_path, f"c.{option} = {(CANARY,)!r}"))
    assert option.rpartition(".")[2] in raised.value.message
    assert CANARY not in raised.value.message


def test_secret_of_the_command_line_that_makes_no_sense_is_not_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="channel_credentials") as raised:
        load(written(tmp_path, ""), f"--CondaStoreWorker.channel_credentials={CANARY}")
    assert CANARY not in raised.value.message


@pytest.mark.parametrize("url", ["amqp://me:{}/x@host/v", "amqp://me:{}@host:port/v", "redis://:{}@host", "{}"])
def test_address_of_a_broker_that_is_none_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ConfigurationError, match="is no address amqp") as raised:
        bus_options(Config({"Bus": {"url": url.format(CANARY)}}), "api")
    assert CANARY not in raised.value.message


def test_other_options_have_no_such_forms(tmp_path: Path) -> None:
    loaded = load(written(tmp_path, "c.CondaStoreServer.url_prefix_file = '/x'\nc.CondaStoreServer.address = 'env:X'"))
    assert CondaStoreServer(config=loaded.config).address == "env:X"
    assert "unknown option CondaStoreServer.url_prefix_file" in loaded.notes[0]
    assert CondaStoreWorker(config=loaded.config).watch_paths == []
