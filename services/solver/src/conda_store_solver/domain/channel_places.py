"""Channels that are fetched from elsewhere than their address says (contract §4.11)."""

_PLACES = {"https://conda.anaconda.org/main": "https://repo.anaconda.com/pkgs/main"}


def real_place(channel: str) -> str:
    """The address a channel is fetched from."""
    return _PLACES.get(channel, channel)
