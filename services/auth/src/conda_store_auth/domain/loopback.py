"""Addresses that only this machine reaches."""

import ipaddress


def is_loopback(address: str) -> bool:
    """Whether whoever listens on ``address`` is out of reach of the network; the empty address is every interface."""
    try:
        return address == "localhost" or ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
