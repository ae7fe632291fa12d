"""What the options of artifacts mean."""

from pathlib import Path

import pytest
from traitlets.config import Config

from conda_store_artifacts.config import read_options


def test_packages_are_kept_in_the_cache_directory_and_taken_from_that_of_builders(tmp_path: Path) -> None:
    config = Config(
        {
            "CondaStore": {"store_directory": str(tmp_path / "state")},
            "CondaStoreWorker": {"cache_directory": str(tmp_path / "cache")},
        }
    )
    options = read_options(config)
    assert options.cache_directory == tmp_path / "cache" / "artifacts"
    assert options.work_directory == tmp_path / "cache" / "artifacts" / "work"
    assert options.lent_caches == (tmp_path / "state" / ".cache",)


def test_copies_of_fragments_are_kept_when_their_objects_are_elsewhere(tmp_path: Path) -> None:
    config = Config({"CondaStoreWorker": {"cache_directory": str(tmp_path)}})
    assert read_options(config).fragment_directory is None
    config.S3Storage.internal_endpoint = "127.0.0.1:9000"
    assert read_options(config).fragment_directory == tmp_path / "artifacts" / "fragments"


@pytest.mark.parametrize(("kept", "longest", "grace"), [(86400, 1200, 86400), (100, 1200, 4800), (3600, 10, 3600)])
def test_nothing_is_collected_that_a_stage_may_be_about_to_use(kept: float, longest: float, grace: float) -> None:
    config = Config(
        {"CondaStore": {"max_artifact_time": longest}, "CondaStoreWorker": {"unused_fragments_kept": kept}}
    )
    assert read_options(config).grace == grace
