"""Where a webhook may be sent: addresses of the world, and of networks that the administrator allows."""

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from yarl import URL

from conda_store_shared.errors import WebhookAddressRefused

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LONGEST_URL = 2048
_SCHEMES = ("http", "https")
_LARGEST_PORT = 65535
# Spaces, control characters and the backslash, which readers of addresses take for different things.
_UNCLEAR = re.compile(r"[\s\\\x00-\x1f\x7f-\x9f]")
# What getaddrinfo takes for IPv4, in one to four parts: decimal, octal or hexadecimal.
_NUMBERS = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+))*\.?", re.IGNORECASE)
_HOST_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*\.?")
_LONGEST_HOST = 254
# Names of ourselves, whoever is asked.
_LOCAL = re.compile(r"(.+\.)?localhost\.?")
_LOOPBACK = IPv4Address("127.0.0.1")

# What is of no use to the world, or is us: the registries of special-purpose addresses of IANA, and addresses at which
# clouds tell their machines secrets.  Not left to `ipaddress`, whose opinion differs between versions of Python.
_REFUSED_IPV4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "168.63.129.16/32",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
        ),
    )
)
_WORLD_IPV6 = IPv6Network("2000::/3")
# Within that: Teredo and its kin, documentation, and 6to4, which leads to any IPv4 address.
_REFUSED_IPV6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
# A translator leads to the IPv4 address in the last four bytes.
_NAT64 = IPv6Network("64:ff9b::/96")


def check_webhook_url(url: str, allowed_networks: Sequence[Network]) -> str:
    """Return ``url`` as it is kept and asked for; raises WebhookAddressRefused, saying what is wrong with it.

    A name is only looked up when something is sent: what it leads to then is checked then.
    """
    if len(url) > LONGEST_URL:
        raise WebhookAddressRefused(f"the url is longer than {LONGEST_URL} characters")
    if _UNCLEAR.search(url):
        raise WebhookAddressRefused("the url has spaces, control characters or backslashes; percent-encode them")
    parsed = _parsed(url)
    _check_parts(parsed)
    _check_host(parsed.raw_host or "", allowed_networks)
    made = str(parsed)
    if len(made) > LONGEST_URL:
        raise WebhookAddressRefused(f"the url is longer than {LONGEST_URL} characters once it is percent-encoded")
    return made


def is_allowed_address(address: Address, allowed_networks: Sequence[Network]) -> bool:
    """Whether something may be sent to an address."""
    if isinstance(address, IPv6Address):
        return _is_allowed_ipv6(address, allowed_networks)
    return _is_within(address, allowed_networks) or not _is_within(address, _REFUSED_IPV4)


def parse_networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Return networks written as ``10.1.0.0/16``; raises ValueError naming the one that cannot be read."""
    return tuple(map(ip_network, texts))


def _is_allowed_ipv6(address: IPv6Address, allowed_networks: Sequence[Network]) -> bool:
    # The zone is no part of any network, and nothing of the world has one.
    if address.scope_id is not None:
        return False
    if address.ipv4_mapped is not None:
        return is_allowed_address(address.ipv4_mapped, allowed_networks)
    if _is_within(address, allowed_networks):
        return True
    if address in _NAT64:
        return is_allowed_address(IPv4Address(int(address) & 0xFFFFFFFF), allowed_networks)
    return address in _WORLD_IPV6 and not _is_within(address, _REFUSED_IPV6)


def _is_within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def _parsed(url: str) -> URL:
    try:
        parsed = URL(url)
        # Asking for it reads it.
        parsed.explicit_port  # noqa: B018
    except ValueError:
        # The reason may quote a password.
        raise WebhookAddressRefused("the url cannot be read; it looks like https://ci.example.org/hook") from None
    return parsed


def _check_parts(parsed: URL) -> None:
    if parsed.scheme not in _SCHEMES or not parsed.raw_host:
        raise WebhookAddressRefused("the url must begin with https:// or http:// and a host")
    if parsed.raw_user is not None or parsed.raw_password is not None or "@" in parsed.raw_authority:
        raise WebhookAddressRefused(
            "the url has a user or a password in it; check the signature instead, or put a secret word into the path"
        )
    if parsed.raw_fragment:
        raise WebhookAddressRefused("the url has a fragment (#), which is never sent")
    if parsed.explicit_port is not None and not 0 < parsed.explicit_port <= _LARGEST_PORT:
        raise WebhookAddressRefused(f"the port of the url is not between 1 and {_LARGEST_PORT}")


def _check_host(host: str, allowed_networks: Sequence[Network]) -> None:
    if ":" not in host and not _NUMBERS.fullmatch(host):
        if len(host) > _LONGEST_HOST or not _HOST_NAME.fullmatch(host):
            raise WebhookAddressRefused("the host of the url is no name of a host")
        if not _LOCAL.fullmatch(host):
            return
    try:
        address = _LOOPBACK if _LOCAL.fullmatch(host) else ip_address(host)
    except ValueError:
        raise WebhookAddressRefused(
            f"{host} is a number, and no address as it is usually written, such as 198.51.100.7"
        ) from None
    if not is_allowed_address(address, allowed_networks):
        raise WebhookAddressRefused(
            f"{host} is an address of a private network, of this machine, or of no use to the world; "
            "an administrator may allow its network in CondaStore.webhook_allowed_networks"
        )
