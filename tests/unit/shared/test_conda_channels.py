"""Channel addresses, the allow-list, and credentials that must not be written down."""

import pytest

from conda_store_shared.conda.channels import (
    channel_of,
    check_channels,
    check_package_address,
    normalise_channel,
    strip_credentials,
    strip_user,
)
from conda_store_shared.errors import ChannelNotAllowed

ALIAS = "https://channels.example/"


@pytest.mark.parametrize(
    ("channel", "address"),
    [
        ("forge", "https://channels.example/forge"),
        ("forge/label/dev", "https://channels.example/forge/label/dev"),
        ("/forge/", "https://channels.example/forge"),
        (" forge ", "https://channels.example/forge"),
        ("https://other.example/main/", "https://other.example/main"),
        ("http://other.example/main", "http://other.example/main"),
        ("file:///etc", "https://channels.example/file:///etc"),
        ("httpx", "https://channels.example/httpx"),
    ],
)
def test_channel_is_kept_when_it_is_an_address_and_named_below_the_alias_otherwise(channel: str, address: str) -> None:
    assert normalise_channel(channel, ALIAS) == address


@pytest.mark.parametrize(
    ("address", "stripped"),
    [
        ("https://user:secret@host.example:8443/c", "https://host.example:8443/c"),
        ("https://user@host.example/c", "https://host.example/c"),
        ("https://host.example/t/tk-123/c/noarch/a-1-0.conda", "https://host.example/c/noarch/a-1-0.conda"),
        ("https://host.example/get/t/tk-123/c", "https://host.example/get/c"),
        ("https://host.example/t/tk-123", "https://host.example"),
        ("https://host.example/at/tk/c", "https://host.example/at/tk/c"),
        ("forge", "forge"),
    ],
)
def test_credentials_are_taken_out_of_an_address(address: str, stripped: str) -> None:
    assert strip_credentials(address) == stripped


def test_channels_are_given_as_addresses_when_all_are_allowed() -> None:
    assert check_channels(["forge", "https://x.example/y"], [], ALIAS) == (
        "https://channels.example/forge",
        "https://x.example/y",
    )


def test_channels_are_given_once_each_without_nodefaults() -> None:
    assert check_channels(["forge", "nodefaults", "forge/"], ["forge"], ALIAS) == ("https://channels.example/forge",)


def test_directory_named_t_is_kept_when_the_address_is_of_no_channel() -> None:
    address = "https://me:secret@mirror.example/packages/source/t/tqdm/tqdm-1-py3-none-any.whl"
    assert strip_user(address) == "https://mirror.example/packages/source/t/tqdm/tqdm-1-py3-none-any.whl"


def test_channels_are_compared_by_address_when_there_is_an_allow_list() -> None:
    assert check_channels(["forge"], ["HTTPS://Channels.example/forge/"], ALIAS)


def test_channel_is_refused_when_it_is_not_on_the_allow_list() -> None:
    with pytest.raises(ChannelNotAllowed) as refused:
        check_channels(["forge", "https://me:secret@evil.example/c"], ["forge"], ALIAS)
    assert refused.value.message == (
        "Conda channels {'https://evil.example/c'} not allowed in specification; "
        "allowed: https://channels.example/forge"
    )


def test_channel_is_refused_when_it_is_on_the_servers_disk() -> None:
    with pytest.raises(ChannelNotAllowed, match=r"file:///etc.*begin with http"):
        check_channels(("file:///etc/channel",), (), ALIAS)


def test_label_is_refused_when_only_its_channel_is_allowed() -> None:
    with pytest.raises(ChannelNotAllowed):
        check_channels(["forge/label/dev"], ["forge"], ALIAS)


def test_package_is_taken_when_it_lies_in_an_allowed_channel() -> None:
    check_package_address(
        "https://u:p@channels.example/t/abc/forge/noarch/a-1-0.conda", ["https://channels.example/forge"]
    )


@pytest.mark.parametrize(
    "address",
    [
        "https://channels.example/other/noarch/a-1-0.conda",
        "https://channels.example/forge/../other/noarch/a-1-0.conda",
        "https://channels.example/forge/%2e%2e/other/noarch/a-1-0.conda",
        "https://channels.example/forge/x\\..\\y/noarch/a-1-0.conda",
        "https://channels.example/forge/noarch/deeper/a-1-0.conda",
        "https://channels.example.evil/forge/noarch/a-1-0.conda",
        "http://channels.example/forge/noarch/a-1-0.conda",
        "https://channels.example/forge/noarch/",
        "a-1-0.conda",
    ],
)
def test_package_is_refused_when_it_lies_elsewhere(address: str) -> None:
    with pytest.raises(ChannelNotAllowed):
        check_package_address(address, ["https://channels.example/forge"])


def test_package_on_disk_is_refused_unless_its_channel_is_allowed() -> None:
    with pytest.raises(ChannelNotAllowed):
        check_package_address("file:///srv/c/noarch/a-1-0.conda", [])
    check_package_address("file:///srv/c/noarch/a-1-0.conda", ["file:///srv/c"])


def test_channel_of_a_package_is_two_segments_up() -> None:
    assert channel_of("https://h.example/a/b/noarch/x-1-0.conda") == "https://h.example/a/b"
