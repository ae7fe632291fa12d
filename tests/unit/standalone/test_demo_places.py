"""Where the demo keeps its things."""

import argparse
from pathlib import Path

import pytest

from conda_store_shared.config.conda_store import CondaStore
from conda_store_shared.config.load import load_config
from conda_store_shared.config.server import CondaStoreServer
from conda_store_standalone.demo.failure import DemoFailed
from conda_store_standalone.demo.places import Places, opened_places


def test_server_reads_the_configuration_that_the_demo_writes(tmp_path: Path) -> None:
    places = Places(tmp_path)
    places.write_configuration(port=8123, channel="http://127.0.0.1:8124/demo-channel")
    config = load_config(argparse.Namespace(config=str(places.configuration)), []).config
    assert CondaStoreServer(config=config).port == 8123
    assert CondaStoreServer(config=config).address == "127.0.0.1"
    store = CondaStore(config=config)
    assert store.database_url == f"sqlite:///{places.database}"
    assert store.conda_default_channels == ["http://127.0.0.1:8124/demo-channel"]
    assert store.environment_directory.format(
        store_directory=store.store_directory, namespace="demo", name="first"
    ) == str(places.link)


def test_demo_is_refused_while_another_one_is_at_work(tmp_path: Path) -> None:
    with (
        opened_places(tmp_path / "demo"),
        pytest.raises(DemoFailed, match="another demo is at work"),
        opened_places(tmp_path / "demo"),
    ):
        pass


def test_demo_removes_what_the_oldest_builds_left_and_keeps_the_others(tmp_path: Path) -> None:
    places = Places(tmp_path)
    for build_id in (10, 9, 100):
        places.unpacked(build_id).mkdir(parents=True)
        places.installed(build_id).mkdir(parents=True)
        places.installed(build_id).with_suffix(".sh").touch()
    outdated = [path for path in places.outdated(2) if path.exists()]
    installed = places.installed(9)
    assert outdated == [places.unpacked(9), installed, installed.with_suffix(".sh")]
