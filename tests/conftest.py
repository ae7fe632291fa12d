"""Loads the pytest plugin of the shared testing kit; what holds for property tests, and for memory, everywhere."""

import gc

from hypothesis import settings

pytest_plugins = ["conda_store_shared.testing.fixtures", "conda_store_shared.testing.demo_channel.fixtures"]

# One example may be slow when the machine is busy; a test that hangs is ended by its own time limit.
settings.register_profile("thorough", deadline=None)
settings.register_profile("quick", settings.get_profile("thorough"), max_examples=20)
settings.load_profile("thorough")
# What is imported and collected, half a million objects, lives as long as the run: looking through it for what could
# be freed takes a tenth of a second each time.
gc.disable()


def pytest_collection_finish() -> None:
    """Look from now on, and at none of that."""
    gc.freeze()
    gc.enable()
