"""Where channels are fetched from."""

import pytest

from conda_store_solver.domain.channel_places import real_place


@pytest.mark.parametrize(
    ("channel", "place"),
    [
        ("https://conda.anaconda.org/main", "https://repo.anaconda.com/pkgs/main"),
        ("https://conda.anaconda.org/conda-forge", "https://conda.anaconda.org/conda-forge"),
        ("https://mirror.example/main", "https://mirror.example/main"),
    ],
)
def test_channel_is_fetched_from_its_real_place(channel: str, place: str) -> None:
    assert real_place(channel) == place
