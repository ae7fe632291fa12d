"""Loads the pytest plugin of the shared testing kit; what holds everywhere for property tests, memory and processes."""

import gc

import pytest
from _pytest.nodeid import NodeId
from hypothesis import settings

pytest_plugins = [
    "conda_store_shared.testing.fixtures",
    "conda_store_shared.testing.demo_channel.fixtures",
    "conda_store_shared.testing.recorded_events",
]

# One example may be slow when the machine is busy; a test that hangs is ended by its own time limit.
settings.register_profile("thorough", deadline=None)
settings.register_profile("quick", settings.get_profile("thorough"), max_examples=20)
settings.load_profile("thorough")

# What is imported and collected, half a million objects, lives as long as the run: looking through it for what could
# be freed takes a tenth of a second each time.
gc.disable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep together what shares fixtures that are slow to make, when several processes run the tests."""
    for item in items:
        group = _group(item)
        item.add_marker(pytest.mark.xdist_group(group))
        if getattr(config.option, "loadgroup", False):
            # pytest-xdist 3.8 writes the group where pytest 9.2 no longer reads it.
            item._id = NodeId.parse(f"{item.nodeid}@{group}")


def pytest_collection_finish() -> None:
    """Look from now on, and at none of that."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
    gc.enable()


def _group(item: pytest.Item) -> str:
    """The running suite that a test needs, else its file."""
    assert isinstance(item, pytest.Function)
    suite = item.callspec.params.get("suite") if hasattr(item, "callspec") else None
    suites = {f"{suite}_suite", *item.fixturenames} & {"standalone_suite", "distributed_suite", "cluster"}
    return min(suites, default=item.path.name)
