"""The rendered manifests."""

import pytest

from tests.kubernetes.manifests import DIRECTORY, LAYOUTS, Layout
from tests.kubernetes.tools import render


@pytest.fixture(scope="session")
def layouts() -> dict[str, Layout]:
    """Each overlay, rendered."""
    return {name: Layout.of(render(DIRECTORY / "overlays" / name)) for name in LAYOUTS}


@pytest.fixture(params=LAYOUTS)
def layout(request: pytest.FixtureRequest, layouts: dict[str, Layout]) -> Layout:
    """One overlay after the other."""
    return layouts[request.param]


@pytest.fixture
def shared_volume(layouts: dict[str, Layout]) -> Layout:
    """Several builders on one volume."""
    return layouts["shared-volume"]


@pytest.fixture
def one_builder(layouts: dict[str, Layout]) -> Layout:
    """One builder on a volume of its own."""
    return layouts["one-builder"]
