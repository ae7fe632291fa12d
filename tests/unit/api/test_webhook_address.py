"""Where webhooks may be sent to, by what stands in their url."""

from ipaddress import ip_address

import pytest

from conda_store_api.domain.webhook_address import check_webhook_url, is_allowed_address, parse_networks
from conda_store_shared.errors import WebhookAddressRefused


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://ci.example.org/hook?a=b%20c", "https://ci.example.org/hook?a=b%20c"),
        ("HTTPS://CI.Example.org:8443/Hook", "https://ci.example.org:8443/Hook"),
        ("https://bücher.example/ü", "https://xn--bcher-kva.example/%C3%BC"),
        ("http://8.8.8.8/", "http://8.8.8.8/"),
        ("http://[2606:4700::1111]:8080/", "http://[2606:4700::1111]:8080/"),
        ("http://[64:ff9b::808:808]/", "http://[64:ff9b::808:808]/"),
        ("http://my_service.example./", "http://my_service.example./"),
    ],
)
def test_address_is_kept_as_it_is_asked_for(url: str, kept: str) -> None:
    assert check_webhook_url(url, ()) == kept
    assert check_webhook_url(kept, ()) == kept


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://example.org/", "must begin with https:// or http://"),
        ("//example.org/", "must begin with https:// or http://"),
        ("javascript:alert(1)", "must begin with https:// or http://"),
        ("https:///hook", "must begin with https:// or http://"),
        ("", "must begin with https:// or http://"),
        ("https://user:secret-word@example.org/", "user or a password"),
        ("https://user@example.org/", "user or a password"),
        ("https://example.org/#part", "fragment"),
        ("https://example.org:0/", "port"),
        ("https://example.org:99999/", "cannot be read"),
        ("https://user:secret-word@[::1", "cannot be read"),
        ("https://example.org/a b", "spaces"),
        ("https://example.org\\@127.0.0.1/", "backslashes"),
        ("https://example.org/\r\nX-Header: 1", "control characters"),
        ("https://a..b/", "no name of a host"),
        ("https://-a.example/", "no name of a host"),
        (f"https://{'a' * 64}.example/", "no name of a host"),
        ("https://%31%32%37.0.0.1/", "no name of a host"),
        (f"https://example.org/{'a' * 2048}", "longer than 2048"),
        (f"https://example.org/{'ü' * 1000}", "longer than 2048"),
    ],
)
def test_address_that_nobody_should_give_is_refused_with_the_reason(url: str, reason: str) -> None:
    with pytest.raises(WebhookAddressRefused, match=reason) as refused:
        check_webhook_url(url, ())
    assert "secret-word" not in refused.value.message


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "0",
        "127.0.0.1.",
        "１２７.0.0.1",
        "127。0。0。1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.100.100.200",
        "168.63.129.16",
        "224.0.0.1",
        "255.255.255.255",
        "localhost",
        "api.localhost.",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:a9fe:a9fe]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[2001:0:1::]",
        "[fe80::1]",
        "[fe80::1%25eth0]",
        "[2606:4700::1111%25eth0]",
        "[fd00:ec2::254]",
        "[ff02::1]",
        "[64:ff9b:1::1]",
    ],
)
def test_address_of_a_private_place_is_refused_in_every_spelling(host: str) -> None:
    with pytest.raises(WebhookAddressRefused):
        check_webhook_url(f"http://{host}:8080/hook", ())


@pytest.mark.parametrize("url", ["http://10.1.2.3/", "http://[::ffff:10.1.2.3]/", "http://[fd00::1]/"])
def test_address_of_a_network_that_the_administrator_allows_is_taken(url: str) -> None:
    networks = parse_networks(["10.1.0.0/16", "fd00::/8"])
    assert check_webhook_url(url, networks) == url.replace("10.1.2.3]", "a01:203]")
    with pytest.raises(WebhookAddressRefused):
        check_webhook_url("http://10.2.0.1/", networks)


def test_address_with_a_zone_is_refused_even_in_an_allowed_network() -> None:
    assert not is_allowed_address(ip_address("fe80::1%2"), parse_networks(["fe80::/10"]))
    assert is_allowed_address(ip_address("fe80::1"), parse_networks(["fe80::/10"]))


def test_network_that_cannot_be_read_is_named() -> None:
    with pytest.raises(ValueError, match=r"10\.1\.2\.3/16"):
        parse_networks(["10.1.2.3/16"])
