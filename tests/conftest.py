"""Loads the pytest plugin of the shared testing kit."""

pytest_plugins = ["conda_store_shared.testing.fixtures", "conda_store_shared.testing.demo_channel.fixtures"]
