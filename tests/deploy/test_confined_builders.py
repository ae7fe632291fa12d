"""What a builder in a container says of confining code of packages, which docker's own seccomp profile forbids."""

import pytest

from conda_store_shared.testing.servers.compose import ComposedSuite
from conda_store_shared.testing.servers.process import ServerNotReady


def test_builder_says_once_that_code_of_packages_is_not_confined(composed: ComposedSuite) -> None:
    log = composed.engine.combined("logs", composed.containers("builder")[0]["Id"])
    [line] = [line for line in log.splitlines() if "code_of_packages_is_not_confined" in line]
    assert "unshare: Operation not permitted" in line
    assert "CondaStoreWorker.sandbox" in line


def test_builder_that_must_confine_code_does_not_start_and_says_what_its_container_needs(
    composed: ComposedSuite,
) -> None:
    usual = composed.source / "deploy" / "compose" / "conda_store_config.py"
    required = composed.source / "required.py"
    required.write_text(f'{usual.read_text()}\nc.CondaStoreWorker.sandbox = "required"\n')
    options = ["--rm", "--no-deps", "-T", "--volume", f"{required}:/etc/conda-store/required.py:ro"]
    with pytest.raises(ServerNotReady) as raised:
        composed.compose("run", *options, "builder", "--config", "/etc/conda-store/required.py")
    assert 'CondaStoreWorker.sandbox = "required": code of packages cannot be confined here' in str(raised.value)
    assert "a seccomp profile that allows unshare, mount, umount2, pivot_root and mount_setattr" in str(raised.value)
    assert "Traceback" not in str(raised.value).partition("== ")[0]
